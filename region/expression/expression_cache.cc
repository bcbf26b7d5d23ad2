#include "region/expression/expression_cache.h"

#include "region/expression/parser.h"

namespace everwrite::expression {
namespace {

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
  const auto key = static_cast<uint8_t>(kind);
  if (const ExpressionPtr* known = cache_.Find(key, text)) return *known;
  Result<ExpressionPtr> parsed = expression::Parse(kind, text);
  if (parsed.ok()) cache_.Insert(key, text, *parsed, MemoryOf(**parsed));
  return parsed;
}

}  // namespace everwrite::expression
