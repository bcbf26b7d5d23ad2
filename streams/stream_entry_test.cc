#include "streams/stream_entry.h"

#include <gtest/gtest.h>

namespace everwrite::streams {
namespace {

StreamEntry Full() {
  StreamEntry entry;
  entry.effect = Effect::kModify;
  entry.hidden = true;
  entry.expired = true;
  entry.version = {0, Stamp::Make(1234, 5), {LogId::Make(RegionId{3}, 9), 1000}};
  entry.key = "8 bytes and more";
  entry.key_attributes = "keys";
  entry.new_image = "new";
  entry.old_image = "";  // an image may be empty; that is not the same as none
  return entry;
}

TEST(StreamEntry, IsReadBackWithWhateverItHas) {
  for (int parts = 0; parts < 16; ++parts) {
    StreamEntry entry = Full();
    if (parts & 1) entry.key_attributes.reset();
    if (parts & 2) entry.new_image.reset();
    if (parts & 4) entry.old_image.reset();
    if (parts & 8) entry = {Effect::kNone, false, false, entry.version, entry.key, {}, {}, {}};
    std::string bytes;
    EncodeStreamEntry(entry, bytes);
    StreamEntry read;
    ASSERT_TRUE(DecodeStreamEntry(bytes, read));
    EXPECT_EQ(read.effect, entry.effect);
    EXPECT_EQ(read.hidden, entry.hidden);
    EXPECT_EQ(read.expired, entry.expired);
    EXPECT_EQ(read.version, entry.version);
    EXPECT_EQ(read.key, entry.key);
    EXPECT_EQ(read.key_attributes, entry.key_attributes);
    EXPECT_EQ(read.new_image, entry.new_image);
    EXPECT_EQ(read.old_image, entry.old_image);
    StreamEntryName name;
    ASSERT_TRUE(DecodeStreamEntry(bytes, name));
    EXPECT_EQ(name.version, entry.version);
    EXPECT_EQ(name.key, entry.key);
  }
}

TEST(StreamEntry, DamageIsSeen) {
  std::string bytes;
  EncodeStreamEntry(Full(), bytes);
  StreamEntry read;
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeStreamEntry(std::string_view(bytes).substr(0, size), read)) << size;
  EXPECT_FALSE(DecodeStreamEntry(bytes + "x", read));
  bytes[0] = 9;
  EXPECT_FALSE(DecodeStreamEntry(bytes, read));
}

}  // namespace
}  // namespace everwrite::streams
