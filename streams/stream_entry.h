// StreamEntry: what a region's stream keeps of one change, in the order in which the region applied
// it.
//
// Every change that reaches a table whose stream is on leaves one entry, so that the entries of a
// shard, from some point on, name all that the region has applied since (position.h). Not all are
// records: a change of another region that lost did nothing here; and a put of equal content, or a
// deletion of what is not there, did nothing that a client could see. The latter are hidden, but
// for a consumer that comes from another region and knows the item as something else (seen.h).
//
// An entry holds what the stream's view shows, so a stream does not depend on how long the change
// log is kept.
//
//   entry   format (1), flags (1), stamp (8), log (8), number varint, encoded key,
//           [key attributes], [new image], [old image]   each with a varint length
//           flags: 0-1 effect, 2 expired here, 3 key attributes, 4 new image, 5 old image,
//                  6 hidden
//
// Decoding borrows from the input. Thread-safety: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "conflict/version.h"

namespace everwrite::streams {

// What the change did to the item in this region; kNone: it lost.
enum class Effect : uint8_t { kNone = 0, kInsert = 1, kModify = 2, kRemove = 3 };

struct StreamEntry {
  Effect effect = Effect::kNone;
  bool hidden = false;        // the item was so already
  bool expired = false;       // deleted by this region because its time had come
  conflict::Version version;  // of the change; rank 0
  std::string_view key;       // encoded (region/item/key.h): the hash of the partition comes first
  std::optional<std::string_view> key_attributes;  // an item of them, when no image has them
  std::optional<std::string_view> new_image;
  std::optional<std::string_view> old_image;
};

// Which change of which item it is.
struct StreamEntryName {
  conflict::Version version;
  std::string_view key;
};

void EncodeStreamEntry(const StreamEntry& entry, std::string& out);
// False for bytes that EncodeStreamEntry cannot have made: damage.
bool DecodeStreamEntry(std::string_view bytes, StreamEntry& entry);
// Looks at nothing behind the key.
bool DecodeStreamEntry(std::string_view bytes, StreamEntryName& entry);

}  // namespace everwrite::streams
