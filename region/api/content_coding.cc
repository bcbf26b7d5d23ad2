#include "region/api/content_coding.h"

#include <libdeflate.h>

#include <algorithm>
#include <memory>

#include "base/check.h"

namespace everwrite::api {
namespace {

// Half of what the best level saves, at a fifth of its time.
constexpr int kLevel = 3;
constexpr size_t kFirstGuess = 16 * 1024;

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* p) const { libdeflate_free_decompressor(p); }
};
struct FreeCompressor {
  void operator()(libdeflate_compressor* p) const { libdeflate_free_compressor(p); }
};

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Up to the next `separator`, which is taken away too.
std::string_view NextPart(std::string_view& rest, char separator) {
  const size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return Trim(part);
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool Names(std::string_view text, std::string_view lower_name) {
  return std::equal(text.begin(), text.end(), lower_name.begin(), lower_name.end(),
                    [](char a, char b) { return Lower(a) == b; });
}

// "0.5" is 500; what is no weight of RFC 9110, 12.4.2, counts as 0: the coding is not used.
int ParseWeight(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return 0;
  int weight = (text[0] - '0') * 1000;
  if (text.size() == 1) return weight;
  if (text[1] != '.' || text.size() > 5) return 0;
  int unit = 100;
  for (const char c : text.substr(2)) {
    if (c < '0' || c > '9') return 0;
    weight += (c - '0') * unit;
    unit /= 10;
  }
  return std::min(weight, 1000);
}

}  // namespace

std::string_view ContentCodingName(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::kGzip: return "gzip";
    case ContentCoding::kDeflate: return "deflate";
    case ContentCoding::kIdentity: break;
  }
  return "identity";
}

void CodingChoice::Add(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    std::string_view element = NextPart(accept_encoding, ',');
    const std::string_view name = NextPart(element, ';');
    int weight = 1000;
    while (!element.empty()) {
      std::string_view parameter = NextPart(element, ';');
      if (Names(NextPart(parameter, '='), "q")) weight = ParseWeight(Trim(parameter));
    }
    Wish* const wish = Names(name, "gzip")      ? &gzip_
                       : Names(name, "deflate") ? &deflate_
                       : name == "*"            ? &any_
                                                : nullptr;
    if (wish != nullptr && wish->weight < 0) *wish = {weight, ++places_};
  }
}

ContentCoding CodingChoice::Best() const {
  constexpr int kBehindAllNamed = 1 << 30;
  const auto effective = [this](const Wish& wish) {
    return wish.weight >= 0 ? wish : Wish{any_.weight, kBehindAllNamed};
  };
  const Wish gzip = effective(gzip_), deflate = effective(deflate_);
  if (gzip.weight <= 0 && deflate.weight <= 0) return ContentCoding::kIdentity;
  if (gzip.weight != deflate.weight)
    return gzip.weight > deflate.weight ? ContentCoding::kGzip : ContentCoding::kDeflate;
  return deflate.place < gzip.place ? ContentCoding::kDeflate : ContentCoding::kGzip;
}

DecodeResult DecodeGzip(std::string_view body, size_t max, size_t padding, std::string& out) {
  thread_local const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(
      libdeflate_alloc_decompressor());
  size_t size = 0;
  do {
    size_t used = 0, made = 0;
    libdeflate_result result = LIBDEFLATE_INSUFFICIENT_SPACE;
    for (size_t room = std::max(kFirstGuess, 4 * body.size());; room *= 2) {
      // One byte more than is allowed tells "just fits" from "too large".
      room = std::min(room, max - size + 1);
      out.resize(size + room + padding);
      result = libdeflate_gzip_decompress_ex(decompressor.get(), body.data(), body.size(),
                                             out.data() + size, room, &used, &made);
      if (result != LIBDEFLATE_INSUFFICIENT_SPACE) break;
      if (room == max - size + 1) return DecodeResult::kTooLarge;
    }
    if (result != LIBDEFLATE_SUCCESS) return DecodeResult::kDamaged;
    size += made;
    if (size > max) return DecodeResult::kTooLarge;
    body.remove_prefix(used);
  } while (!body.empty());
  out.resize(size + padding);  // what is behind stays readable
  out.resize(size);
  return DecodeResult::kDone;
}

std::string EncodeContent(ContentCoding coding, std::string_view body) {
  thread_local const std::unique_ptr<libdeflate_compressor, FreeCompressor> compressor(
      libdeflate_alloc_compressor(kLevel));
  const bool gzip = coding == ContentCoding::kGzip;
  std::string out;
  out.resize(gzip ? libdeflate_gzip_compress_bound(compressor.get(), body.size())
                  : libdeflate_zlib_compress_bound(compressor.get(), body.size()));
  const auto compress = gzip ? libdeflate_gzip_compress : libdeflate_zlib_compress;
  const size_t size = compress(compressor.get(), body.data(), body.size(), out.data(), out.size());
  CHECK(size > 0, "the bound of a compressed size did not hold");
  out.resize(size);
  return out;
}

}  // namespace everwrite::api
