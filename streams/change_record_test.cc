// The hand-written record is the Protobuf message of change.proto, and hostile bytes are refused.
#include "streams/change_record.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "streams/proto/change.pb.h"

namespace everwrite::streams {
namespace {

const LogId kLog = LogId::Make(RegionId{1}, 5);
const LogId kOther = LogId::Make(RegionId{2}, 5);

std::string ContextBytes(uint64_t number) {
  conflict::Vector context;
  context.Set(kOther, number);
  std::string bytes;
  context.EncodeTo(bytes);
  return bytes;
}

std::string RandomText(Random& random) {
  std::string text(random.Below(40), '\0');
  for (char& c : text) c = static_cast<char>(random.Next());
  return text;
}

TEST(ChangeRecord, IsTheProtobufMessage) {
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    const std::string context = random.Chance(1, 3) ? "" : ContextBytes(1 + random.Below(1000));
    const std::string key = RandomText(random), image = RandomText(random);
    ChangeRecord record;
    record.dot = {kLog, 1 + random.Below(1ULL << 60)};
    record.stamp = Stamp{1 + random.Below(1ULL << 62)};
    record.context = context;
    record.subject = random.Chance(1, 2) ? Subject::kItem : Subject::kTable;
    record.actor = static_cast<Actor>(random.Below(3));
    record.table = TableId{random.Next()};
    record.key = key;
    record.tombstone = random.Chance(1, 2);
    record.image = image;
    record.rank = random.Below(5);
    record.transaction = random.Below(3);
    record.transaction_end = random.Chance(1, 2);
    std::string bytes;
    EncodeChangeRecord(record, bytes);

    everwrite::streams::proto::ChangeRecord message;
    ASSERT_TRUE(message.ParseFromString(bytes));
    EXPECT_EQ(message.log(), record.dot.log.value);
    EXPECT_EQ(message.number(), record.dot.number);
    EXPECT_EQ(message.stamp(), record.stamp.value);
    EXPECT_EQ(message.key(), record.key);
    EXPECT_EQ(message.image(), record.image);
    EXPECT_EQ(message.SerializeAsString(), bytes);

    ChangeRecord back;
    ASSERT_TRUE(DecodeChangeRecord(bytes, back));
    EXPECT_EQ(back.dot, record.dot);
    EXPECT_EQ(back.stamp, record.stamp);
    EXPECT_EQ(back.context, record.context);
    EXPECT_EQ(back.subject, record.subject);
    EXPECT_EQ(back.actor, record.actor);
    EXPECT_EQ(back.table, record.table);
    EXPECT_EQ(back.tombstone, record.tombstone);
    EXPECT_EQ(back.rank, record.rank);
    EXPECT_EQ(back.transaction, record.transaction);
    EXPECT_EQ(back.transaction_end, record.transaction_end);
  }
}

std::string Valid() {
  ChangeRecord record;
  record.dot = {kLog, 3};
  record.stamp = Stamp{99};
  const std::string context = ContextBytes(4);
  record.context = context;
  record.key = "key";
  std::string bytes;
  EncodeChangeRecord(record, bytes);
  return bytes;
}

// A message put together of parts is one, in whatever order they stand.
TEST(ChangeRecord, TheOrderOfFieldsDoesNotMatter) {
  using Message = everwrite::streams::proto::ChangeRecord;
  const std::string context = ContextBytes(4), scope = EncodeScope({RegionId{1}, RegionId{3}});
  std::vector<std::string> parts;
  const auto add = [&parts](const auto& set) {
    Message message;
    set(message);
    parts.push_back(message.SerializeAsString());
  };
  add([](Message& m) { m.set_log(kLog.value), m.set_number(300); });
  add([](Message& m) { m.set_stamp(77); });
  add([&](Message& m) { m.set_context(context); });
  add([](Message& m) { m.set_table(9), m.set_key("key"), m.set_image("image"); });
  add([](Message& m) { m.set_transaction(200), m.set_transaction_end(true); });
  add([&](Message& m) { m.set_scope(scope), m.set_apart(true), m.set_bare(true); });
  parts.push_back("\xa2\x06\x03xyz");  // field 100, of a newer version
  Random random(3);
  for (int i = 0; i < 200; ++i) {
    std::string bytes;
    for (const std::string& part : parts) bytes += part;
    ChangeRecord record;
    ASSERT_TRUE(DecodeChangeRecord(bytes, record));
    EXPECT_EQ(record.dot, (Dot{kLog, 300}));
    EXPECT_EQ(record.stamp, Stamp{77});
    EXPECT_EQ(record.context, context);
    EXPECT_EQ(record.table, TableId{9});
    EXPECT_EQ(record.key, "key");
    EXPECT_EQ(record.image, "image");
    EXPECT_EQ(record.transaction, 200U);
    EXPECT_TRUE(record.transaction_end);
    EXPECT_EQ(record.scope, scope);
    EXPECT_TRUE(record.apart);
    EXPECT_TRUE(record.bare);
    EXPECT_FALSE(record.tombstone);
    EXPECT_EQ(ShareOf(bytes, RegionId{3}), Share::kLacking);
    EXPECT_EQ(ShareOf(bytes, RegionId{2}), Share::kAsItIs);
    std::swap(parts[random.Below(parts.size())], parts[random.Below(parts.size())]);
  }
}

TEST(ChangeRecord, FieldsOfANewerVersionAreSkipped) {
  std::string bytes = Valid();
  bytes += "\xa2\x06\x03xyz";  // field 100, three bytes
  ChangeRecord record;
  ASSERT_TRUE(DecodeChangeRecord(bytes, record));
  EXPECT_EQ(record.key, "key");
}

TEST(ChangeRecord, RefusesWhatCannotBeApplied) {
  ChangeRecord record;
  EXPECT_FALSE(DecodeChangeRecord("", record)) << "no dot";
  ChangeRecord own_context;
  own_context.dot = {kOther, 3};
  own_context.stamp = Stamp{1};
  const std::string context = ContextBytes(4);
  own_context.context = context;
  std::string bytes;
  EncodeChangeRecord(own_context, bytes);
  EXPECT_FALSE(DecodeChangeRecord(bytes, record)) << "a context that names its own log";
  EXPECT_FALSE(DecodeChangeRecord(Valid() + "\x28\x07", record)) << "an unknown subject";
  const std::string then_a_known_one("\x28\x07\x28\x00", 4);
  EXPECT_FALSE(DecodeChangeRecord(Valid() + then_a_known_one, record)) << "even if one follows";
  EXPECT_FALSE(DecodeChangeRecord(Valid() + "\x42\x7f", record)) << "a length beyond the input";
}

TEST(ChangeRecord, DecodingDamagedBytesIsSafe) {
  Random random(2);
  const std::string valid = Valid();
  for (int i = 0; i < 50000; ++i) {
    std::string bytes = valid;
    const size_t flips = 1 + random.Below(3);
    for (size_t f = 0; f < flips; ++f)
      bytes[random.Below(bytes.size())] = static_cast<char>(random.Next());
    bytes.resize(random.Below(bytes.size() + 1));
    ChangeRecord record;
    if (DecodeChangeRecord(bytes, record)) {
      EXPECT_NE(record.dot.number, 0u);
    }
  }
}

}  // namespace
}  // namespace everwrite::streams
