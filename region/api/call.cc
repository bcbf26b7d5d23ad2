#include "region/api/call.h"

#include <array>
#include <charconv>
#include <cstring>

#include <libdeflate.h>

#include "base/random.h"
#include "conflict/conflict_record.h"

namespace everwrite::api {
namespace {

constexpr size_t kRequestIdSize = 52;
constexpr size_t kExtraHeadersMax = 4096;  // of a CORS answer; what is longer is left out

// 52 characters as the service's; unique, not secret.
void WriteRequestId(char* out) {
  thread_local Random random(RandomSeed());
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
  uint64_t bits = 0;
  for (size_t i = 0; i < kRequestIdSize; ++i) {
    if (i % 12 == 0) bits = random.Next();
    out[i] = kAlphabet[bits & 31];
    bits >>= 5;
  }
}

ContentCoding CodingFor(const http::HttpRequest& request) {
  CodingChoice choice;
  for (const http::HttpField& field : request.fields)
    if (http::EqualsIgnoringCase(field.name, "accept-encoding")) choice.Add(field.value);
  return choice.Best();
}

// Header lines in a buffer on the stack.
class HeaderLines {
 public:
  void Add(std::string_view text) {
    if (text.empty() || text.size() > sizeof buffer_ - size_) return;
    std::memcpy(buffer_ + size_, text.data(), text.size());
    size_ += text.size();
  }
  void AddRequestId() {
    Add("x-amzn-RequestId: ");
    WriteRequestId(buffer_ + size_);
    size_ += kRequestIdSize;
    Add("\r\n");
  }
  void AddNumber(uint32_t value) {
    size_ = static_cast<size_t>(
        std::to_chars(buffer_ + size_, buffer_ + sizeof buffer_, value).ptr - buffer_);
  }
  std::string_view view() const { return {buffer_, size_}; }

 private:
  char buffer_[kExtraHeadersMax + 1024];
  size_t size_ = 0;
};

}  // namespace

Call::Call(const ApiContext* context, int operation, const http::HttpRequest& request,
           http::HttpResponder responder)
    : context_(context),
      request_(&request),
      executor_(request.executor),
      responder_(std::move(responder)),
      start_(context->observer ? context->clock->Now() : Instant{}),
      operation_(operation),
      has_origin_(request.Find("origin") != nullptr),
      coding_(CodingFor(request)),
      plain_json_(request.Header("content-type").substr(0, 16) == "application/json") {}

thread_local const RequestCheck* RequestCheck::current_ = nullptr;

void Call::Fail(const ApiError& error) {
  ApiError said = error;
  if (RequestCheck::current_ != nullptr) {
    ApiError type_error;
    if (!RequestCheck::current_->Passes(type_error)) said = std::move(type_error);
  }
  std::string body;
  AppendErrorBody(body, said);
  Send(HttpStatusOf(said.type), std::move(body), said.type);
}

void Call::ReplyPlain(int http_status, std::string_view content_type, std::string body,
                      std::string_view extra_headers) {
  SendWith(http_status, content_type, std::move(body),
           http_status == 200 ? ErrorType::kNone : ErrorType::kUnknownOperation, extra_headers);
}

void Call::Send(int http_status, std::string body, ErrorType error) {
  SendWith(http_status, plain_json_ ? "application/json" : "application/x-amz-json-1.0",
           std::move(body), error, {});
}

void Call::SendWith(int http_status, std::string_view content_type, std::string body,
                    ErrorType error, std::string_view extra_headers) {
  const bool encoded = coding_ != ContentCoding::kIdentity && body.size() >= kEncodeFrom;
  if (encoded) body = EncodeContent(coding_, body);
  HeaderLines lines;
  lines.AddRequestId();
  lines.Add("x-amz-crc32: ");  // of what is sent
  lines.AddNumber(libdeflate_crc32(0, body.data(), body.size()));
  lines.Add("\r\nx-everwrite-region: ");
  lines.Add(context_->region);
  lines.Add("\r\n");
  if (context_->sessions != nullptr) {
    // What was read or written is in what is applied by now.
    lines.Add("x-everwrite-session: ");
    lines.Add(context_->sessions->Token());
    lines.Add("\r\n");
  }
  if (written_.dot.number != 0) {
    lines.Add("x-everwrite-receipt: ");
    lines.Add(conflict::ConflictName(written_));
    lines.Add("\r\n");
  }
  if (encoded) {
    lines.Add("Content-Encoding: ");
    lines.Add(ContentCodingName(coding_));
    lines.Add("\r\n");
  }
  // Without it the JavaScript SDK has used up its four tries after a tenth of a second.
  if (http_status >= 500 || error == ErrorType::kThrottling) lines.Add("Retry-After: 1\r\n");
  if (has_origin_)
    lines.Add(
        "Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: "
        "x-amzn-RequestId, x-amz-crc32, x-everwrite-region, x-everwrite-session, "
        "x-everwrite-receipt\r\n");
  if (extra_headers.size() <= kExtraHeadersMax) lines.Add(extra_headers);
  responder_.Send({.status = http_status,
                   .content_type = content_type,
                   .headers = lines.view(),
                   .body = std::move(body),
                   .close = false});
  if (RequestObserver* observer = context_->observer)
    observer->OnRequest(operation_, http_status, context_->clock->Now() - start_, ErrorName(error));
}

}  // namespace everwrite::api
