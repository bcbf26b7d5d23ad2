// Any bytes from an HTTP client, at once and in pieces: a request that is whole is the same request
// however it arrives, and what is refused in one piece is not taken in several. The first byte says
// how it is cut.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "region/http/request_parser.h"

namespace {

using namespace everwrite;

constexpr size_t kInputMax =
    8192;  // a head is smaller than its limit, so that the limit does not matter

struct Parsed {
  std::string method, target, body;
  std::vector<std::pair<std::string, std::string>> fields;
  std::optional<uint64_t> length;
  bool keep_alive = false;
  friend bool operator==(const Parsed&, const Parsed&) = default;
};

// What a connection does with bytes that come `step` at a time; nothing for a request that is
// refused, or not whole. A body with a length is the connection's own work.
std::optional<Parsed> Parse(std::string_view bytes, size_t step) {
  const http::HttpServerOptions options;
  std::vector<http::FieldOffsets> offsets;
  std::string chunked;
  http::RequestParser parser(options, offsets, chunked);
  size_t available = 0, parsed = 0;
  const auto whole = [&] {
    return parser.is_header_done() && (!parser.chunked() || parser.is_done());
  };
  while (!whole()) {
    boost::system::error_code ec = http::beast::http::error::need_more;
    parser.SetWindow(bytes.data(), available);
    if (available > parsed)
      parsed +=
          parser.put(boost::asio::const_buffer(bytes.data() + parsed, available - parsed), ec);
    CHECK(parsed <= available, "the parser took more than there was");
    if (whole()) break;
    if (ec && ec != http::beast::http::error::need_more) return std::nullopt;
    if (!ec) continue;
    if (available == bytes.size()) return std::nullopt;
    available = std::min(bytes.size(), available + step);
  }
  const auto text = [&](uint32_t at, uint32_t size) {
    CHECK(at + size <= parsed, "a field lies outside the head");
    return std::string(bytes.substr(at, size));
  };
  Parsed out;
  const http::FieldOffsets& line = parser.method_and_target;
  out.method = text(line.name, line.name_size);
  out.target = text(line.value, line.value_size);
  for (const http::FieldOffsets& field : offsets)
    out.fields.emplace_back(text(field.name, field.name_size), text(field.value, field.value_size));
  if (const auto length = parser.content_length()) out.length = *length;
  out.body = chunked;
  out.keep_alive = parser.keep_alive();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > kInputMax) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::optional<Parsed> at_once = Parse(bytes, kInputMax);
  CHECK(Parse(bytes, 1 + data[0] % 32) == at_once, "a request differs by how it arrives");
  if (!at_once) return 0;
  // No two readers may disagree about where a request ends.
  int lengths = 0, codings = 0;
  for (const auto& [name, value] : at_once->fields) {
    lengths += http::EqualsIgnoringCase(name, "content-length");
    codings += http::EqualsIgnoringCase(name, "transfer-encoding");
  }
  CHECK(lengths <= 1 && (lengths == 0 || codings == 0), "a body of two lengths");
  return 0;
}
