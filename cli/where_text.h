// `everwrite where`, for people.
#pragma once

#include <string>

#include "cli/json_value.h"

namespace everwrite::cli {

// Of the answer of a region's /where (region/server/where_page.h).
std::string WhereText(const JsonValue& where);

}  // namespace everwrite::cli
