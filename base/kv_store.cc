#include "base/kv_store.h"

#include <algorithm>
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
  char* at = MakeRoom(sizeof head + key.size() + value.size());
  std::memcpy(at, &head, sizeof head);
  at = std::copy(key.begin(), key.end(), at + sizeof head);
  std::copy(value.begin(), value.end(), at);
  ++count_;
}

char* KvBatch::MakeRoom(size_t bytes) {
  const size_t before = size_;
  size_ += bytes;
  if (size_ > room_) {
    room_ = std::max(size_, 2 * room_);
    std::unique_ptr<char[]> wider(new char[room_]);  // not filled
    std::copy_n(buffer_.get(), before, wider.get());
    buffer_ = std::move(wider);
  }
  return buffer_.get() + before;
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
  size_ = 0;
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
