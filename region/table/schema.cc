#include "region/table/schema.h"

#include "base/coding.h"

namespace everwrite::table {
namespace {

// Format 1: the fields in this order. A newer format adds fields behind; older readers stop before
// them.
constexpr uint8_t kFormat = 1;

void PutAttribute(std::string& out, const item::KeyAttribute& attribute) {
  PutBytes(out, attribute.name);
  out.push_back(static_cast<char>(attribute.type));
}

bool ReadAttribute(Reader& reader, item::KeyAttribute& attribute) {
  std::string_view name;
  uint8_t type = 0;
  if (!reader.ReadBytes(name) || !reader.ReadByte(type) || type > 2) return false;
  attribute.name = name;
  attribute.type = static_cast<item::KeyType>(type);
  return true;
}

}  // namespace

std::string EncodeTableDefinition(const TableDefinition& d) {
  std::string out(1, static_cast<char>(kFormat));
  PutBytes(out, d.name);
  PutFixed64(out, d.id.value);
  PutVarint(out, d.generation);
  PutAttribute(out, d.key.partition);
  out.push_back(d.key.sort ? 1 : 0);
  if (d.key.sort) PutAttribute(out, *d.key.sort);
  out.push_back(static_cast<char>(d.billing));
  PutVarint(out, d.read_units);
  PutVarint(out, d.write_units);
  out.push_back(static_cast<char>(d.stream));
  PutVarint(out, d.stream_enabled_ms);
  PutVarint(out, d.created_ms);
  out.push_back(d.deletion_protection ? 1 : 0);
  PutBytes(out, d.table_class);
  out.push_back(d.sse ? 1 : 0);
  return out;
}

bool DecodeTableDefinition(std::string_view bytes, TableDefinition& definition) {
  Reader reader(bytes);
  TableDefinition d;
  uint8_t format = 0, has_sort = 0, billing = 0, stream = 0, protection = 0, sse = 0;
  std::string_view name, table_class;
  if (!reader.ReadByte(format) || format < kFormat || !reader.ReadBytes(name) ||
      !reader.ReadFixed64(d.id.value) || !reader.ReadVarint(d.generation) ||
      !ReadAttribute(reader, d.key.partition) || !reader.ReadByte(has_sort) || has_sort > 1)
    return false;
  if (has_sort && !ReadAttribute(reader, d.key.sort.emplace())) return false;
  if (!reader.ReadByte(billing) || billing > 1 || !reader.ReadVarint(d.read_units) ||
      !reader.ReadVarint(d.write_units) || !reader.ReadByte(stream) || stream > 4 ||
      !reader.ReadVarint(d.stream_enabled_ms) || !reader.ReadVarint(d.created_ms) ||
      !reader.ReadByte(protection) || !reader.ReadBytes(table_class) || !reader.ReadByte(sse))
    return false;
  d.name = name;
  d.billing = static_cast<BillingMode>(billing);
  d.stream = static_cast<StreamView>(stream);
  d.deletion_protection = protection != 0;
  d.table_class = table_class;
  d.sse = sse != 0;
  definition = std::move(d);
  return true;
}

}  // namespace everwrite::table
