#pragma once

#include <string_view>

namespace streetlog::hub {

/// Well-formed UTF-8 without NUL: nothing cut, overlong, surrogate or beyond the last plane.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace streetlog::hub
