// ExpressionCache: parsed expressions by kind and text, so that a text that comes again and again
// is parsed once. Names and values are not part of it: they are bound for each request.
//
// Bounded in entries and in bytes (texts and syntax trees, roughly); the one used longest ago goes
// first. Texts that do not parse are not kept.
//
// Thread-safety: belongs to one thread: each event loop has its own, and there is no lock to wait
// for. What it returns is immutable, may go to other threads and outlives its place in the cache.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "region/expression/ast.h"

namespace everwrite::expression {

class ExpressionCache {
 public:
  struct Options {
    size_t entries_max = 512;
    size_t bytes_max = 1024 * 1024;
  };

  ExpressionCache() : ExpressionCache(Options()) {}
  explicit ExpressionCache(const Options& options) : options_(options) {}
  ExpressionCache(const ExpressionCache&) = delete;
  ExpressionCache& operator=(const ExpressionCache&) = delete;

  // As expression::Parse (parser.h).
  Result<ExpressionPtr> Parse(Kind kind, std::string_view text);

  size_t entries() const { return by_key_.size(); }
  size_t bytes() const { return bytes_; }
  uint64_t hits() const { return hits_; }
  uint64_t misses() const { return misses_; }

 private:
  struct Key {
    Kind kind;
    std::string_view text;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct HashKey {
    size_t operator()(const Key& key) const {
      return std::hash<std::string_view>()(key.text) ^ static_cast<size_t>(key.kind);
    }
  };
  struct Entry {
    Kind kind;
    std::string text;
    ExpressionPtr expression;
    size_t bytes;
  };

  void Insert(Kind kind, std::string_view text, const ExpressionPtr& expression);
  void EvictOldest();

  const Options options_;
  std::list<Entry> recent_;  // used last first; its nodes' texts are what keys borrow
  std::unordered_map<Key, std::list<Entry>::iterator, HashKey> by_key_;
  size_t bytes_ = 0;
  uint64_t hits_ = 0, misses_ = 0;
};

// The memory that an expression takes, roughly.
size_t MemoryOf(const Expression& expression);

}  // namespace everwrite::expression
