// DynamoDB's reserved words: the 573 of the Developer Guide's appendix "Reserved words". An
// attribute of such a name, in any case, needs a #placeholder in expressions.
#pragma once

#include <string_view>

namespace everwrite::expression {

bool IsReservedWord(std::string_view name);

}  // namespace everwrite::expression
