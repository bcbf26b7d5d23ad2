// How far a database's MANIFEST is known to have come, written down beside it.
//
// RocksDB's MANIFEST is a log: which table files make up the database, one record a change. A log
// that ends early is a log. Cut anywhere, it opens, as the database was then: without the tables
// that were flushed since, whose write-ahead logs are gone, and so older in some column families
// than in others. RocksDB does not notice. So each time it has changed its MANIFEST, the length
// that is on disk is put into
//
//   FOLDER/everwrite.manifest    text: format, MANIFEST's number, its bytes, a hash of that line
//
// before the files that the change made superfluous are removed, and a start compares. What lies
// beyond the noted length may go: then the files from which it can be made again are still there.
// The note is replaced by rename and not synced in its folder: an older one claims less.
//
// Thread-safety: Raise may be called from any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "base/result.h"

namespace everwrite::storage {

struct ManifestLength {
  uint64_t number = 0;  // as in MANIFEST-000005
  uint64_t bytes = 0;
};

class ManifestNote {
 public:
  // `folder` is that of the database.
  explicit ManifestNote(std::string folder) : folder_(std::move(folder)) {}

  // OK: no less is there than was noted, or nothing was. kDataLoss: less, with a message that says
  // what. kUnavailable: the disk does not answer. Changes nothing.
  Status Check() const;

  // Notes that the database names MANIFEST `length.number`, of which so much is on disk. A length
  // that is not beyond the one noted last changes nothing. After an error the former note stands.
  Status Raise(ManifestLength length);

 private:
  const std::string folder_;
  std::mutex mutex_;
  ManifestLength noted_;  // by this object; under mutex_
};

}  // namespace everwrite::storage
