// The legacy parameters of a request, from JSON to what region/expression/legacy.h lowers. Each
// function reads one parameter that is there; the order in which requests have theirs read is
// theirs (request_expressions.cc).
//
// Includes simdjson (by request_json.h): for .cc files of this folder only.
//
// Thread-safety: pure functions over one request.
#pragma once

#include <string>
#include <vector>

#include "region/api/api_error.h"
#include "region/api/request_json.h"
#include "region/expression/legacy.h"

namespace everwrite::api {

bool IsLegacy(Param param);

// What the service's deserializer and its model say of a legacy parameter: JSON types, sets of
// values, lengths. Nothing when it is absent.
bool CheckLegacyShape(const Params& params, Param param, Violations& violations, ApiError& error);

// Expected, QueryFilter, ScanFilter or KeyConditions, in the order of the request.
bool ReadLegacyConditions(const Params& params, Param param,
                          std::vector<expression::LegacyCondition>& out, ApiError& error);
// AttributeUpdates.
bool ReadLegacyUpdates(const Params& params, std::vector<expression::LegacyUpdate>& out,
                       ApiError& error);
bool ReadAttributesToGet(const Params& params, std::vector<std::string>& out, ApiError& error);

// ConditionalOperator (absent: AND), which wants that many conditions to join.
bool ReadConditionalOperator(const Params& params, size_t conditions,
                             expression::Node::Type& and_or_or, ApiError& error);

}  // namespace everwrite::api
