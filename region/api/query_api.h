// Query and Scan over the base table. A page ends at Limit items, before the item that would take
// it over 1 MB (by ItemSize, counted before the filter), or at the end of the range; in the first
// two cases the answer names the key of the last item looked at.
//
// A parallel scan gives each segment an equal share of the hashes that the encoded keys begin with.
#pragma once

namespace everwrite::api {

class Call;
class Params;

void Query(const Params& params, Call call);
void Scan(const Params& params, Call call);

}  // namespace everwrite::api
