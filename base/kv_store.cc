#include "base/kv_store.h"

#include <cstring>

#include "base/check.h"

namespace everwrite {

// In memory only: sizes as they are, which are read without a branch.
struct KvBatch::Head {
  Kind kind;
  ColumnFamily family;
  uint32_t key_size;
  uint32_t value_size;
};

void KvBatch::Append(Kind kind, ColumnFamily family, std::string_view key, std::string_view value) {
  CHECK(key.size() <= UINT32_MAX && value.size() <= UINT32_MAX, "an entry of 4 GiB");
  const Head head{kind, family, static_cast<uint32_t>(key.size()),
                  static_cast<uint32_t>(value.size())};
  buffer_.append(reinterpret_cast<const char*>(&head), sizeof head);
  buffer_.append(key);
  buffer_.append(value);
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
  Head head;
  std::memcpy(&head, rest.data(), sizeof head);
  kind = head.kind;
  family = head.family;
  key = {rest.data() + sizeof head, head.key_size};
  value = {key.data() + head.key_size, head.value_size};
  rest.remove_prefix(sizeof head + head.key_size + head.value_size);
  return true;
}

}  // namespace everwrite
