#include "region/table/testing/stream_records.h"

#include <gtest/gtest.h>

#include "region/item/item.h"

namespace everwrite::table::testing {
namespace {

std::string PkOf(std::string_view item) {
  return std::string(item::ItemView(item).Find("pk")->text());
}

}  // namespace

TableDefinition Streamed(StreamView view, uint64_t enabled_ms) {
  TableDefinition definition = TestTable("t");
  definition.stream = view;
  definition.stream_enabled_ms = enabled_ms;
  return definition;
}

void Create(TestRegion& region, const TableDefinition& definition) {
  region.engine->CreateTable(definition, region.executor, [](const Result<TablePtr>& table) {
    ASSERT_TRUE(table.ok()) << table.status().ToString();
  });
  region.RunAll();
}

void SetStream(TestRegion& region, StreamView view, uint64_t enabled_ms) {
  region.engine->UpdateTable(
      "t",
      [&](TableDefinition& definition) {
        definition.stream = view;
        if (view != StreamView::kNone) definition.stream_enabled_ms = enabled_ms;
        return OkStatus();
      },
      region.executor, [](const Result<TablePtr>& table) { ASSERT_TRUE(table.ok()); });
  region.RunAll();
}

std::vector<ConsumedRecord> ReadAll(TestRegion& region, StreamConsumer& consumer) {
  std::vector<ConsumedRecord> records;
  const Status status =
      consumer.Read(region.engine->Streams(), 7, 10'000, region.clock.physical_ms, records);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return records;
}

std::vector<ConsumedRecord> ReadAll(TestRegion& region, uint64_t enabled_ms) {
  StreamConsumer consumer(enabled_ms);
  std::vector<ConsumedRecord> all;
  while (true) {  // children come when their parents have ended
    const auto more = ReadAll(region, consumer);
    if (more.empty()) return all;
    all.insert(all.end(), more.begin(), more.end());
  }
}

std::string Text(const ConsumedRecord& record) {
  const char* const effects[] = {"none", "insert", "modify", "remove"};
  const std::string& any = !record.new_image.empty()   ? record.new_image
                           : !record.old_image.empty() ? record.old_image
                                                       : record.key_attributes;
  const auto value = [](const std::string& image) { return image.empty() ? "-" : ValueOf(image); };
  return std::string(effects[static_cast<int>(record.effect)]) + " " + PkOf(any) + ": " +
         value(record.old_image) + " > " + value(record.new_image) +
         (record.expired ? " expired" : "");
}

Lines Texts(const std::vector<ConsumedRecord>& records) {
  Lines texts;
  for (const ConsumedRecord& record : records) texts.push_back(Text(record));
  return texts;
}

}  // namespace everwrite::table::testing
