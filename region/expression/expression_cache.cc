#include "region/expression/expression_cache.h"

#include "region/expression/parser.h"

namespace everwrite::expression {
namespace {

// List node, hash node and bucket of one entry.
constexpr size_t kEntryOverheadBytes = 160;

template <typename T>
size_t BytesOf(const std::vector<T>& vector) {
  return vector.capacity() * sizeof(T);
}

// Beyond what is stored in place.
size_t BytesOf(const std::string& text) {
  return text.capacity() > sizeof(std::string) / 2 ? text.capacity() : 0;
}

}  // namespace

size_t MemoryOf(const Expression& expression) {
  size_t bytes = sizeof(Expression) + BytesOf(expression.elements) + BytesOf(expression.paths) +
                 BytesOf(expression.values) + BytesOf(expression.nodes) +
                 BytesOf(expression.children) + BytesOf(expression.projection) +
                 BytesOf(expression.actions);
  for (const PathElement& element : expression.elements) bytes += BytesOf(element.name);
  for (const std::string& value : expression.values) bytes += BytesOf(value);
  return bytes;
}

Result<ExpressionPtr> ExpressionCache::Parse(Kind kind, std::string_view text) {
  const auto found = by_key_.find({kind, text});
  if (found != by_key_.end()) {
    ++hits_;
    recent_.splice(recent_.begin(), recent_, found->second);
    return found->second->expression;
  }
  ++misses_;
  Result<ExpressionPtr> parsed = expression::Parse(kind, text);
  if (parsed.ok()) Insert(kind, text, *parsed);
  return parsed;
}

void ExpressionCache::Insert(Kind kind, std::string_view text, const ExpressionPtr& expression) {
  const size_t bytes = MemoryOf(*expression) + text.size() + kEntryOverheadBytes;
  if (bytes > options_.bytes_max || options_.entries_max == 0) return;
  while (by_key_.size() >= options_.entries_max || bytes_ + bytes > options_.bytes_max) {
    EvictOldest();
  }
  recent_.push_front({kind, std::string(text), expression, bytes});
  by_key_.emplace(Key{kind, recent_.front().text}, recent_.begin());
  bytes_ += bytes;
}

void ExpressionCache::EvictOldest() {
  const Entry& oldest = recent_.back();
  bytes_ -= oldest.bytes;
  by_key_.erase({oldest.kind, oldest.text});
  recent_.pop_back();
}

}  // namespace everwrite::expression
