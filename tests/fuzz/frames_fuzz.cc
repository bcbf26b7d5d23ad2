// Any bytes from a peer: bus frames, local link frames. Refused or decoded, with every length
// bounded before it is allocated.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "replicator/messages_codec.h"
#include "streams/link_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace everwrite;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  replicator::FrameReader reader("fuzz", RegionId{1}, RegionId{2});
  (void)reader.Read(bytes);
  (void)streams::DecodeLinkBody(bytes);
  streams::LinkReader link;
  link.Append(bytes);
  for (int i = 0; i < 16; ++i) {
    const auto next = link.Next();
    if (!next.ok() || !next->has_value()) break;
  }
  return 0;
}
