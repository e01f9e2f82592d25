#include "tests/sim/planted.hpp"

namespace streetlog {

inline namespace with_bugs {
Bug planted_bug = Bug::kNone;
}  // namespace with_bugs

}  // namespace streetlog
