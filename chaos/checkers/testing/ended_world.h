// A world of three regions that is told in a few lines, so that checkers of the end can be tried:
// what clients did and how it travelled, and then what is wrong with what is left of it.
//
//   put R KEY [expires=SECONDS] [in=TABLE] [unknown] [as=ID]   a client's write in region R (a, b,
//                                  c), of which it was not told; with another write's content
//   delete R KEY
//   transact R KEY KEY...          puts, in one transaction
//   exchange                       everybody has what everybody has
//   later MS                       the clocks go on
//   sweep R                        expired items that R wrote go
//   forget R                       tombstones
//   trim R S N                     R's log of what S wrote begins at N
//   placed KEY                     a table "p" that is in a and b alone, with one item
//   alone                          what expired is deleted by who wrote it (History)
//
// and what no region does; S and N name a change by the region that made it and its number:
//
//   lose-row R KEY | old-row R KEY ID     the row is gone; is what write ID had put there before
//   lose-placed-row, old-placed-row, more-placed-row     the same of the placed table; a's row in R
//   lose-change R S N | as-if R S N ID    the record is gone; holds what write ID put
//   mark R S N ttl|begins|alone|early   another kind of change
//   lose-loser R KEY | enter R KEY        no loser of the key in the ledger; the row as a loser
//   lose-index R KEY | more-index R KEY | old-index R KEY
//   lose-stream R N | again-stream R N | old-stream R N       the N-th record, from 1
//   count R | digest R KEY                is off by one
//   claim R KEY                           a client was told of a write that nobody made
//   same ID ID                            a transaction's write that was made by both
//
// Of what comes before `end`, or the last line, clients and all regions know (History::records);
// what is wrong after it is so in one store alone.
//
// Thread-safety: none.
#pragma once

#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "chaos/history.h"
#include "region/table/testing/test_region.h"

namespace everwrite::chaos::testing {

class EndedWorld {
 public:
  EndedWorld();
  // CHECKs that the story can be told.
  void Tell(const std::string& story);
  std::vector<const KvStore*> Stores() const;
  const History& history() const { return history_; }

 private:
  using Region = table::testing::TestRegion;
  void Step(const std::string& verb, std::istringstream& words);
  void Put(std::istringstream& words);
  void Delete(std::istringstream& words);
  void Transact(std::istringstream& words);
  void PlaceTable(const std::string& key);
  void Mark(std::istringstream& words);
  void ChangeRow(const std::string& verb, std::istringstream& words);
  void ChangeStream(const std::string& verb, std::istringstream& words);
  void ChangeIndex(const std::string& verb, std::istringstream& words);
  void ChangeLedger(const std::string& verb, std::istringstream& words);
  void ChangeLog(const std::string& verb, std::istringstream& words);
  void KeepRecords();

  Region& At(std::istringstream& words);
  // The next two words: the change's name.
  Dot DotOf(std::istringstream& words);
  conflict::Version Write(Region& region, const std::string& table, const std::string& key,
                          table::testing::FunctionWrite::Evaluation evaluate);
  HistoryWrite& AddWrite(const Region& region, const std::string& key);
  std::vector<Region*> All();

  std::map<std::string, std::unique_ptr<Region>> regions_;
  History history_;
  bool ended_ = false;
};

}  // namespace everwrite::chaos::testing
