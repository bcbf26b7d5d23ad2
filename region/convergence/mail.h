// What the convergence guards of two regions say to each other. Replicators carry it as bytes
// (streams::Mail), best effort: any of it may be lost, repeated or late.
//
// Thread-safety: values and pure functions.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "region/table/bucket_digest.h"
#include "region/table/row_repair.h"

namespace everwrite::convergence {

// "These are my buckets."
struct Digests {
  std::vector<table::DigestBook::Entry> entries;
};
// "Which rows have you in this bucket, behind this key?"
struct AskPage {
  uint64_t id = 0;  // echoed
  TableId table;
  uint16_t bucket = 0;
  std::string after;
};
struct PageReply {
  uint64_t id = 0;
  TableId table;
  uint16_t bucket = 0;
  table::BucketPage page;
};
// "Show me these rows."
struct AskRows {
  uint64_t id = 0;
  TableId table;
  std::vector<std::string> keys;
};
struct RowsReply {
  uint64_t id = 0;
  TableId table;
  struct Row {
    std::string key;
    std::string value;  // the encoded stored item; empty: there is none
  };
  std::vector<Row> rows;
};

using Letter = std::variant<Digests, AskPage, PageReply, AskRows, RowsReply>;

std::string EncodeLetter(const Letter& letter);
// False for what EncodeLetter cannot have made. Nothing is allocated beyond what is there.
bool DecodeLetter(std::string_view bytes, Letter& letter);

}  // namespace everwrite::convergence
