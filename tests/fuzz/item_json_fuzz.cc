// Any bytes as DynamoDB JSON: what is read is a well-formed item, and written and read again the
// same.
#include <cstdint>
#include <string>

#include <simdjson.h>

#include "base/check.h"
#include "region/api/item_json.h"
#include "region/item/item.h"

namespace {

bool Read(std::string_view json, std::string& out) {
  if (json.empty()) return false;  // a null pointer, which simdjson would copy from
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element element;
  if (parser.parse(json.data(), json.size()).get(element) != simdjson::SUCCESS) return false;
  everwrite::api::ApiError error;
  return everwrite::api::ReadItemJson(element, out, error);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace everwrite;
  std::string bytes;
  if (!Read(std::string_view(reinterpret_cast<const char*>(data), size), bytes)) return 0;
  CHECK(item::IsWellFormedItem(bytes));
  std::string json, again;
  api::AppendItemJson(json, item::ItemView(bytes));
  CHECK(Read(json, again));
  CHECK(again == bytes);
  return 0;
}
