// TableDefinition: everything that is agreed on about one table in all regions. Stored, and
// replicated, as one item of the system table of tables (catalog.h).
//
// Thread-safety: a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "region/item/key.h"

namespace everwrite::table {

enum class BillingMode : uint8_t { kProvisioned = 0, kPayPerRequest = 1 };
enum class StreamView : uint8_t {
  kNone = 0,
  kKeysOnly = 1,
  kNewImage = 2,
  kOldImage = 3,
  kNewAndOldImages = 4
};

struct TableDefinition {
  std::string name;
  TableId id;               // given by the engine
  uint64_t generation = 0;  // how often the name was created before, plus one; given by the engine
  item::KeySchema key;
  BillingMode billing = BillingMode::kProvisioned;
  uint64_t read_units = 0;  // provisioned throughput, 0 when on demand
  uint64_t write_units = 0;
  StreamView stream = StreamView::kNone;
  uint64_t stream_enabled_ms = 0;  // when the current stream was turned on: its label
  uint64_t created_ms = 0;
  bool deletion_protection = false;
  std::string table_class;  // "STANDARD" or "STANDARD_INFREQUENT_ACCESS"; empty: the default
  bool sse = false;
  friend bool operator==(const TableDefinition&, const TableDefinition&) = default;
};

// The definition as the image of its catalog entry, and back; false for bytes that are none.
std::string EncodeTableDefinition(const TableDefinition& definition);
bool DecodeTableDefinition(std::string_view bytes, TableDefinition& definition);

}  // namespace everwrite::table
