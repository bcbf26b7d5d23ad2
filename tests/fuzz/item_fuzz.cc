// Any bytes as a compact item: what is accepted can be walked, measured, written as JSON, and built
// again into the same bytes (the form is canonical).
#include <cstdint>
#include <string>

#include "base/check.h"
#include "region/api/item_json.h"
#include "region/item/item.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace everwrite;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (!item::IsWellFormedItem(bytes)) return 0;
  const item::ItemView view(bytes);
  item::ItemBuilder builder;
  for (const item::Attribute& attribute : view) builder.Add(attribute);
  CHECK(builder.Finish() == bytes);
  std::string json;
  api::AppendItemJson(json, view);
  CHECK(json.size() >= 2 && json.front() == '{' && json.back() == '}');
  CHECK(item::ItemSize(view) <= size * 2 + 2);
  return 0;
}
