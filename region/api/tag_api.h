// TagResource, UntagResource and ListTagsOfResource, and the Tags of CreateTable. Tags are part of
// the table's definition: they take effect at once and are the same in all regions. Resources are
// tables.
#pragma once

#include "region/api/api_error.h"
#include "region/table/schema.h"

namespace everwrite::api {

class Call;
class Params;

void ListTagsOfResource(const Params& params, Call call);
void TagResource(const Params& params, Call call);
void UntagResource(const Params& params, Call call);

// The parameter Tags, when it is there; an empty list is none.
bool ReadTags(const Params& params, table::Tags& tags, ApiError& error);

}  // namespace everwrite::api
