#include "region/api/sigv4.h"

#include <algorithm>

namespace everwrite::api {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

// The next piece up to either separator; skips empty pieces. (find_first_of is a call a character.)
bool NextPiece(std::string_view& rest, char separator, char other, std::string_view& piece) {
  while (!rest.empty()) {
    size_t end = 0;
    while (end < rest.size() && rest[end] != separator && rest[end] != other) ++end;
    piece = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!piece.empty()) return true;
  }
  return false;
}

// keyid/date/region/service/aws4_request; the key id itself may hold slashes no more than AWS's do.
bool ParseCredential(std::string_view credential, Signature& signature, ApiError& error) {
  std::string_view parts[5];
  std::string_view rest = credential;
  size_t count = 0;
  while (true) {
    size_t end = rest.find('/'), skip = 1;
    const size_t encoded = std::min(rest.find("%2F"), rest.find("%2f"));
    if (encoded < end) end = encoded, skip = 3;
    if (count < 5) parts[count] = rest.substr(0, end);
    ++count;
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + skip);
  }
  if (count != 5) {
    return Fail(error, ErrorType::kIncompleteSignature,
                "Credential must have exactly 5 slash-delimited elements, e.g. "
                "keyid/date/region/service/term, got '" +
                    std::string(credential) + "'");
  }
  signature.access_key = parts[0];
  signature.date = parts[1];
  signature.region = parts[2];
  signature.service = parts[3];
  std::string wrong;
  if (parts[2].empty()) wrong += "Credential should be scoped to a valid region, not ''. ";
  if (parts[3] != "dynamodb")
    wrong += "Credential should be scoped to correct service: 'dynamodb'. ";
  if (parts[4] != "aws4_request")
    wrong += "Credential should be scoped with a valid terminator: 'aws4_request', not '" +
             std::string(parts[4]) + "'. ";
  if (wrong.empty()) return true;
  return Fail(error, ErrorType::kInvalidSignature, std::move(wrong));
}

struct Parameters {
  std::string_view algorithm, credential, signed_headers, signature, date;
};

Parameters ReadHeader(std::string_view header) {
  Parameters found;
  const size_t space = header.find(' ');
  found.algorithm = header.substr(0, space);
  if (space == std::string_view::npos) return found;
  std::string_view rest = header.substr(space + 1), piece;
  while (NextPiece(rest, ',', ' ', piece)) {
    const size_t equals = piece.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = piece.substr(0, equals), value = piece.substr(equals + 1);
    if (name == "Credential")
      found.credential = value;
    else if (name == "SignedHeaders")
      found.signed_headers = value;
    else if (name == "Signature")
      found.signature = value;
  }
  return found;
}

Parameters ReadQuery(std::string_view target) {
  Parameters found;
  const size_t mark = target.find('?');
  if (mark == std::string_view::npos) return found;
  std::string_view rest = target.substr(mark + 1), piece;
  while (NextPiece(rest, '&', '&', piece)) {
    const size_t equals = piece.find('=');
    const std::string_view name = piece.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1);
    if (name == "X-Amz-Algorithm")
      found.algorithm = value;
    else if (name == "X-Amz-Credential")
      found.credential = value;
    else if (name == "X-Amz-SignedHeaders")
      found.signed_headers = value;
    else if (name == "X-Amz-Signature")
      found.signature = value;
    else if (name == "X-Amz-Date")
      found.date = value;
  }
  return found;
}

std::string MissingFromHeader(const Parameters& found, const http::HttpRequest& request,
                              std::string_view header) {
  std::string text;
  const auto require = [&](std::string_view value, std::string_view name) {
    if (value.empty())
      text.append("Authorization header requires '").append(name).append("' parameter. ");
  };
  require(found.credential, "Credential");
  require(found.signature, "Signature");
  require(found.signed_headers, "SignedHeaders");
  if (!request.Find("x-amz-date") && !request.Find("date"))
    text += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  if (!text.empty()) text.append("Authorization=").append(header);
  return text;
}

std::string MissingFromQuery(const Parameters& found) {
  std::string text;
  const auto require = [&](std::string_view value, std::string_view name) {
    if (value.empty())
      text.append("AWS query-string parameters must include '").append(name).append("'. ");
  };
  require(found.algorithm, "X-Amz-Algorithm");
  require(found.credential, "X-Amz-Credential");
  require(found.signature, "X-Amz-Signature");
  require(found.signed_headers, "X-Amz-SignedHeaders");
  require(found.date, "X-Amz-Date");
  if (!text.empty()) text += "Re-examine the query-string parameters.";
  return text;
}

}  // namespace

bool ParseSignature(const http::HttpRequest& request, Signature& signature, ApiError& error) {
  const std::string_view header = request.Header("authorization");
  const bool in_query = request.target.find("X-Amz-Algorithm") != std::string_view::npos;
  if (!header.empty() && in_query) {
    return Fail(error, ErrorType::kInvalidSignature,
                "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP "
                "header.");
  }
  if (!in_query && header.substr(0, 5) != "AWS4-")
    return Fail(error, ErrorType::kMissingAuthenticationToken,
                "Request is missing Authentication Token");
  const Parameters found = in_query ? ReadQuery(request.target) : ReadHeader(header);
  std::string missing =
      in_query ? MissingFromQuery(found) : MissingFromHeader(found, request, header);
  if (!missing.empty()) return Fail(error, ErrorType::kIncompleteSignature, std::move(missing));
  if (found.algorithm != kAlgorithm) {
    return Fail(error, ErrorType::kIncompleteSignature,
                "Unsupported AWS 'algorithm': '" + std::string(found.algorithm) +
                    "' (only AWS4-HMAC-SHA256 for now). ");
  }
  signature.signed_headers = found.signed_headers;
  signature.signature = found.signature;
  return ParseCredential(found.credential, signature, error);
}

std::string_view RegionOfRequest(const http::HttpRequest& request) {
  Signature signature;
  ApiError ignored;
  if (!ParseSignature(request, signature, ignored) && signature.region.empty()) return {};
  return signature.region;
}

}  // namespace everwrite::api
