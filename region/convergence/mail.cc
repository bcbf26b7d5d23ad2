#include "region/convergence/mail.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/coding.h"

namespace everwrite::convergence {
namespace {

using table::BucketPage;

void PutVector(std::string& out, const conflict::Vector& vector) {
  PutVarint(out, vector.EncodedSize());
  vector.EncodeTo(out);
}

bool ReadVector(Reader& reader, conflict::Vector& vector) {
  std::string_view bytes;
  return reader.ReadBytes(bytes) && conflict::Vector::Decode(bytes, vector);
}

bool ReadText(Reader& reader, std::string& text) {
  std::string_view bytes;
  if (!reader.ReadBytes(bytes)) return false;
  text = bytes;
  return true;
}

bool ReadFlag(Reader& reader, bool& flag) {
  uint8_t byte = 0;
  if (!reader.ReadByte(byte) || byte > 1) return false;
  flag = byte == 1;
  return true;
}

// Each element has at least a byte.
bool ReadCount(Reader& reader, size_t& count) {
  uint64_t value = 0;
  if (!reader.ReadVarint(value) || value > reader.rest().size()) return false;
  count = value;
  return true;
}

void PutSummary(std::string& out, const table::RowSummary& row) {
  PutVarint(out, row.version.rank);
  PutFixed64(out, row.version.stamp.value);
  PutFixed64(out, row.version.dot.log.value);
  PutVarint(out, row.version.dot.number);
  out.push_back(row.tombstone ? 1 : 0);
  PutFixed64(out, row.content);
}

bool ReadSummary(Reader& reader, table::RowSummary& row) {
  return reader.ReadVarint(row.version.rank) && reader.ReadFixed64(row.version.stamp.value) &&
         reader.ReadFixed64(row.version.dot.log.value) &&
         reader.ReadVarint(row.version.dot.number) && ReadFlag(reader, row.tombstone) &&
         reader.ReadFixed64(row.content);
}

// Table, bucket and sum; of an empty `touched` the size and the count.
constexpr size_t kDigestBytesMin = 8 + 2 + 8 + 1 + 1;

void Put(std::string& out, const Digests& digests) {
  PutVarint(out, digests.entries.size());
  // In one piece: many are shown, many times a second.
  size_t room = 0;
  for (const auto& entry : digests.entries)
    room += kDigestBytesMin + coding::kVarintBytesMax + entry.digest.touched.EncodedSize();
  const size_t before = out.size();
  out.resize(before + room);
  char* at = out.data() + before;
  for (const auto& entry : digests.entries) {
    StoreFixed64(at, entry.table.value);
    StoreFixed16(at + 8, entry.bucket);
    StoreFixed64(at + 10, entry.digest.sum);
    at = coding::StoreVarint(at + 18, entry.digest.touched.EncodedSize());
    at = entry.digest.touched.EncodeAt(at);
  }
  out.resize(static_cast<size_t>(at - out.data()));
}
bool Read(Reader& reader, Digests& digests) {
  size_t count = 0;
  if (!ReadCount(reader, count)) return false;
  digests.entries.reserve(std::min(count, reader.rest().size() / kDigestBytesMin));
  for (size_t i = 0; i < count; ++i) {
    auto& entry = digests.entries.emplace_back();
    if (!reader.ReadFixed64(entry.table.value) || !reader.ReadFixed16(entry.bucket) ||
        entry.bucket >= table::kBuckets || !reader.ReadFixed64(entry.digest.sum) ||
        !ReadVector(reader, entry.digest.touched))
      return false;
  }
  return true;
}

void Put(std::string& out, const AskPage& ask) {
  PutFixed64(out, ask.id);
  PutFixed64(out, ask.table.value);
  PutFixed16(out, ask.bucket);
  PutBytes(out, ask.after);
}
bool Read(Reader& reader, AskPage& ask) {
  return reader.ReadFixed64(ask.id) && reader.ReadFixed64(ask.table.value) &&
         reader.ReadFixed16(ask.bucket) && ask.bucket < table::kBuckets &&
         ReadText(reader, ask.after);
}

void Put(std::string& out, const PageReply& reply) {
  PutFixed64(out, reply.id);
  PutFixed64(out, reply.table.value);
  PutFixed16(out, reply.bucket);
  PutVector(out, reply.page.standing.applied);
  out.push_back(reply.page.standing.sound ? 1 : 0);
  PutFixed64(out, reply.page.said.sum);
  PutVector(out, reply.page.said.touched);
  PutBytes(out, reply.page.after);
  PutBytes(out, reply.page.through);
  out.push_back(reply.page.end ? 1 : 0);
  PutVarint(out, reply.page.rows.size());
  for (const BucketPage::Row& row : reply.page.rows) {
    PutBytes(out, row.key);
    PutSummary(out, row.row);
  }
}
bool Read(Reader& reader, PageReply& reply) {
  BucketPage& page = reply.page;
  size_t count = 0;
  if (!reader.ReadFixed64(reply.id) || !reader.ReadFixed64(reply.table.value) ||
      !reader.ReadFixed16(reply.bucket) || reply.bucket >= table::kBuckets ||
      !ReadVector(reader, page.standing.applied) || !ReadFlag(reader, page.standing.sound) ||
      !reader.ReadFixed64(page.said.sum) || !ReadVector(reader, page.said.touched) ||
      !ReadText(reader, page.after) || !ReadText(reader, page.through) ||
      !ReadFlag(reader, page.end) || !ReadCount(reader, count))
    return false;
  for (size_t i = 0; i < count; ++i) {
    BucketPage::Row& row = page.rows.emplace_back();
    if (!ReadText(reader, row.key) || !ReadSummary(reader, row.row)) return false;
    if (row.key <= (i == 0 ? page.after : page.rows[i - 1].key)) return false;  // out of order
  }
  return page.rows.empty() ? page.end && page.through.empty()
                           : page.through == page.rows.back().key;
}

void Put(std::string& out, const AskRows& ask) {
  PutFixed64(out, ask.id);
  PutFixed64(out, ask.table.value);
  PutVarint(out, ask.keys.size());
  for (const std::string& key : ask.keys) PutBytes(out, key);
}
bool Read(Reader& reader, AskRows& ask) {
  size_t count = 0;
  if (!reader.ReadFixed64(ask.id) || !reader.ReadFixed64(ask.table.value) ||
      !ReadCount(reader, count))
    return false;
  for (size_t i = 0; i < count; ++i)
    if (!ReadText(reader, ask.keys.emplace_back())) return false;
  return true;
}

void Put(std::string& out, const RowsReply& reply) {
  PutFixed64(out, reply.id);
  PutFixed64(out, reply.table.value);
  PutVarint(out, reply.rows.size());
  for (const RowsReply::Row& row : reply.rows) {
    PutBytes(out, row.key);
    PutBytes(out, row.value);
  }
}
bool Read(Reader& reader, RowsReply& reply) {
  size_t count = 0;
  if (!reader.ReadFixed64(reply.id) || !reader.ReadFixed64(reply.table.value) ||
      !ReadCount(reader, count))
    return false;
  for (size_t i = 0; i < count; ++i) {
    RowsReply::Row& row = reply.rows.emplace_back();
    if (!ReadText(reader, row.key) || !ReadText(reader, row.value)) return false;
  }
  return true;
}

template <size_t index = 0>
bool ReadKind(size_t kind, Reader& reader, Letter& letter) {
  if constexpr (index < std::variant_size_v<Letter>) {
    if (kind != index) return ReadKind<index + 1>(kind, reader, letter);
    return Read(reader, letter.emplace<index>()) && reader.done();
  } else {
    return false;
  }
}

}  // namespace

std::string EncodeLetter(const Letter& letter) {
  std::string out(1, static_cast<char>(letter.index()));
  std::visit([&out](const auto& content) { Put(out, content); }, letter);
  return out;
}

bool DecodeLetter(std::string_view bytes, Letter& letter) {
  Reader reader(bytes);
  uint8_t kind = 0;
  return reader.ReadByte(kind) && ReadKind(kind, reader, letter);
}

}  // namespace everwrite::convergence
