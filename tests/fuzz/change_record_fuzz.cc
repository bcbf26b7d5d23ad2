// Any bytes as a change record, a vector, a stored item, a ledger entry: decoded or refused; what
// is decoded is the same after another round trip.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "conflict/conflict_record.h"
#include "conflict/vector_clock.h"
#include "streams/change_record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace everwrite;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  streams::ChangeRecord record, back;
  if (streams::DecodeChangeRecord(bytes, record)) {
    std::string encoded;
    streams::EncodeChangeRecord(record, encoded);
    CHECK(streams::DecodeChangeRecord(encoded, back));
    CHECK(back.dot == record.dot && back.stamp == record.stamp && back.image == record.image &&
          back.context == record.context && back.key == record.key);
  }
  conflict::Vector vector;
  if (conflict::Vector::Decode(bytes, vector)) {
    std::string encoded;
    vector.EncodeTo(encoded);
    conflict::Vector again;
    CHECK(conflict::Vector::Decode(encoded, again) && again == vector);
  }
  conflict::ConflictRecord ledger;
  if (conflict::DecodeConflictRecord(bytes, ledger)) {
    conflict::ConflictRecord again;
    CHECK(conflict::DecodeConflictRecord(conflict::EncodeConflictRecord(ledger), again));
  }
  return 0;
}
