// ExpressionCache: parsed expressions by kind and text, so that a text that comes again and again
// is parsed once. Names and values are not part of it: they are bound for each request.
//
// Bounded in entries and in bytes (texts and syntax trees, roughly); the one used longest ago goes
// first. Texts that do not parse are not kept.
//
// Thread-safety: belongs to one thread: each event loop has its own, and there is no lock to wait
// for. What it returns is immutable, may go to other threads and outlives its place in the cache.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/text_cache.h"
#include "region/expression/ast.h"

namespace everwrite::expression {

class ExpressionCache {
 public:
  ExpressionCache() : ExpressionCache(TextCacheOptions()) {}
  explicit ExpressionCache(const TextCacheOptions& options) : cache_(options) {}

  // As expression::Parse (parser.h).
  Result<ExpressionPtr> Parse(Kind kind, std::string_view text);

  size_t entries() const { return cache_.entries(); }
  size_t bytes() const { return cache_.bytes(); }
  uint64_t hits() const { return cache_.hits(); }
  uint64_t misses() const { return cache_.misses(); }

 private:
  TextCache<ExpressionPtr> cache_;
};

// The memory that an expression takes, roughly.
size_t MemoryOf(const Expression& expression);

}  // namespace everwrite::expression
