// Definitions as bytes: all of it comes back, less of it is refused, and what is newer is skipped.
#include "region/table/schema.h"

#include <gtest/gtest.h>

#include "base/coding.h"

namespace everwrite::table {
namespace {

TableDefinition Full() {
  TableDefinition d;
  d.name = "full";
  d.id = TableId{77};
  d.generation = 3;
  d.key.partition = {"pk", item::KeyType::kString};
  d.key.sort = item::KeyAttribute{"sk", item::KeyType::kNumber};
  d.billing = BillingMode::kPayPerRequest;
  d.stream = StreamView::kNewImage;
  d.stream_enabled_ms = 5;
  d.created_ms = 6;
  d.deletion_protection = true;
  d.table_class = "STANDARD";
  d.sse = true;
  IndexDefinition& index = d.indexes.emplace_back();
  index.name = "gsi";
  index.id = IndexId{9};
  index.key.partition.push_back({"a", item::KeyType::kBinary});
  index.projection = Projection::kInclude;
  index.included = {"x", "y"};
  index.read_units = 1;
  d.ttl = {"exp", IndexId{11}, 1234};
  d.tags = {{"a", ""}, {"b", "value"}};
  d.sse_key = "key";
  d.pay_per_request_ms = 1;
  d.table_class_ms = 2;
  d.increased_ms = 3;
  d.decreased_ms = 4;
  d.decreases = 5;
  d.on_demand_read = 6;
  d.on_demand_write = 7;
  d.warm_read = 8;
  d.warm_write = 9;
  return d;
}

TEST(TableDefinition, AllOfItComesBack) {
  TableDefinition back;
  ASSERT_TRUE(DecodeTableDefinition(EncodeTableDefinition(Full()), back));
  EXPECT_EQ(back, Full());
  TableDefinition plain;
  plain.name = "plain";
  plain.key.partition = {"pk", item::KeyType::kString};
  ASSERT_TRUE(DecodeTableDefinition(EncodeTableDefinition(plain), back));
  EXPECT_EQ(back, plain);
}

TEST(TableDefinition, DamageIsRefusedAndNeverACrash) {
  const std::string bytes = EncodeTableDefinition(Full());
  TableDefinition back;
  size_t whole = 0;  // cut between two sections it is a definition of less
  for (size_t size = 0; size < bytes.size(); ++size)
    whole += DecodeTableDefinition(bytes.substr(0, size), back) ? 1 : 0;
  EXPECT_EQ(whole, 4u);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x41);
    (void)DecodeTableDefinition(changed, back);
  }
}

TEST(TableDefinition, WhatANewerVersionAddsIsSkipped) {
  std::string bytes = EncodeTableDefinition(Full());
  bytes.push_back(100);
  PutBytes(bytes, "a section of tomorrow");
  TableDefinition back;
  ASSERT_TRUE(DecodeTableDefinition(bytes, back));
  EXPECT_EQ(back, Full());
}

TEST(TableDefinition, TheIndexByExpiryIsKeptWhileTtlIsOn) {
  TableDefinition d = Full();
  ASSERT_EQ(KeptIndexes(d).size(), 2u);
  EXPECT_EQ(KeptIndexes(d).back().expiry, "exp");
  d.ttl = {"other", {}, 0};
  GiveIndexIds(d, {});
  EXPECT_NE(d.ttl.id.value, 0u);
  EXPECT_NE(d.ttl.id, Full().ttl.id) << "another attribute, another index";
  d.ttl = {};
  EXPECT_EQ(KeptIndexes(d).size(), 1u);
}

}  // namespace
}  // namespace everwrite::table
