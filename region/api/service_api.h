// What the service says of itself: DescribeLimits, DescribeEndpoints; and of backups, which there
// are none: DescribeContinuousBackups says that they are disabled, UpdateContinuousBackups refuses
// to enable them.
#pragma once

namespace everwrite::api {

class Call;
class Params;

void DescribeContinuousBackups(const Params& params, Call call);
void DescribeEndpoints(const Params& params, Call call);
void DescribeLimits(const Params& params, Call call);
void UpdateContinuousBackups(const Params& params, Call call);

}  // namespace everwrite::api
