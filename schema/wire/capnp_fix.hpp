#pragma once

// Cap'n Proto 0.9.2 does not compile under Clang 16 or later in C++20 mode: the rewritten
// candidates of C++20 make
// `"text" == StringPtr` ambiguous inside its own headers. One overload, seen before any of them,
// settles it.
namespace kj {
class StringPtr;
inline bool operator==(const char* a, const StringPtr& b);
}  // namespace kj

#include <kj/string.h>

namespace kj {
inline bool operator==(const char* a, const StringPtr& b) { return b.operator==(StringPtr(a)); }
}  // namespace kj
