// A second table of a chaos run that is deleted and created again while everybody writes to it: no
// row of the old one may be in the new one, and all of the new one's must be there.
//
// A writer in every region asks which table stands under the name before and after each row that it
// puts: when the answer is the same, the row is known to be that table's.
//
// Threads: one a region, from Start to Stop. Remake from one thread, Judge after all have ended.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "chaos/run/report.h"

namespace everwrite::cli {

class ChaosRemake {
 public:
  // Endpoints by region, in the order of the topology. Makes the table, in the first one.
  static Result<std::unique_ptr<ChaosRemake>> Start(
      std::vector<std::pair<std::string, std::string>> endpoints);
  ~ChaosRemake();

  // Deletes the table in this region, waits until it is gone, and creates it again. What fails is
  // said by Judge.
  void Remake(const std::string& region);
  // No row is written any more.
  void Stop();
  // Reads the table in every region; they serve, and are equal.
  chaos::Verdict Judge() const;

 private:
  explicit ChaosRemake(std::vector<std::pair<std::string, std::string>> endpoints)
      : endpoints_(std::move(endpoints)) {}
  void Write(size_t region);
  Status Create(size_t region) const;
  // Its identity; empty: there is none now, or no answer.
  std::string TableThere(size_t region) const;
  // Rows: key -> the writer's note of the table.
  Result<std::map<std::string, std::string>> ReadAll(size_t region) const;

  const std::vector<std::pair<std::string, std::string>> endpoints_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> rows_;  // acknowledged: key -> table; empty: not known which
  std::vector<std::string> failures_;
  size_t remade_ = 0;
};

}  // namespace everwrite::cli
