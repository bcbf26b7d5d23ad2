#include "base/kv_store.h"

#include "base/coding.h"

namespace everwrite {

void KvBatch::Append(Kind kind, ColumnFamily family, std::string_view key, std::string_view value) {
  char head[2 + coding::kVarintBytesMax] = {static_cast<char>(kind), static_cast<char>(family)};
  buffer_.append(head, static_cast<size_t>(coding::StoreVarint(head + 2, key.size()) - head));
  buffer_.append(key);
  PutBytes(buffer_, value);
  ++count_;
}

void KvBatch::Put(ColumnFamily family, std::string_view key, std::string_view value) {
  Append(Kind::kPut, family, key, value);
}

void KvBatch::Delete(ColumnFamily family, std::string_view key) {
  Append(Kind::kDelete, family, key, {});
}

void KvBatch::DeleteRange(ColumnFamily family, std::string_view begin, std::string_view end) {
  Append(Kind::kDeleteRange, family, begin, end);
}

void KvBatch::Clear() {
  buffer_.clear();
  count_ = 0;
}

bool KvBatch::Next(std::string_view& rest, Kind& kind, ColumnFamily& family, std::string_view& key,
                   std::string_view& value) {
  if (rest.empty()) return false;
  Reader reader(rest);
  uint8_t kind_byte = 0;
  uint8_t family_byte = 0;
  CHECK(reader.ReadByte(kind_byte) && reader.ReadByte(family_byte) && reader.ReadBytes(key) &&
        reader.ReadBytes(value));
  kind = static_cast<Kind>(kind_byte);
  family = static_cast<ColumnFamily>(family_byte);
  rest = reader.rest();
  return true;
}

}  // namespace everwrite
