#include "replicator/messages.h"

#include <cstdio>

namespace everwrite::replicator {
namespace {

std::string SessionName(uint64_t session) { return "s" + std::to_string(session & 0xffffffff); }

struct Printer {
  std::string operator()(const Open& open) const {
    return "Open " + SessionName(open.session) + " log " + ToString(open.log) + " after " +
           std::to_string(open.after) + " credit " + std::to_string(open.credit) +
           (open.bare ? " bare" : "");
  }
  std::string operator()(const Credit& credit) const {
    return "Credit " + SessionName(credit.session) + " +" + std::to_string(credit.bytes);
  }
  std::string operator()(const Close& close) const { return "Close " + SessionName(close.session); }
  std::string operator()(const Ask&) const { return "Ask"; }
  std::string operator()(const Opened& opened) const {
    return "Opened " + SessionName(opened.session) + " log " + ToString(opened.log);
  }
  std::string operator()(const Batch& batch) const {
    return "Batch " + SessionName(batch.session) + " log " + ToString(batch.records.log) + " " +
           std::to_string(batch.records.first) + ".." + std::to_string(batch.records.last());
  }
  std::string operator()(const End& end) const {
    return "End " + SessionName(end.session) + " log " + ToString(end.log) + " " +
           std::string(EndReasonName(end.reason));
  }
  std::string operator()(const Hello& hello) const {
    return std::string("Hello") + (hello.gone            ? ", gone"
                                   : hello.life.admitted ? ""
                                                         : ", not admitted");
  }
  std::string operator()(const PeerMail& mail) const {
    return "PeerMail of " + std::to_string(mail.body.size()) + " bytes";
  }
  std::string operator()(const Heartbeat& heartbeat) const {
    if (!heartbeat.serving) return "Heartbeat, region away";
    return "Heartbeat log " + ToString(heartbeat.log) + " applied [" +
           heartbeat.applied.ToString() + "] durable [" + heartbeat.durable.ToString() + "]";
  }
  std::string operator()(const Scan& scan) const {
    return "Scan " + SessionName(scan.session) + " " + std::string(ScanPartName(scan.part)) +
           " after \"" + scan.after + "\" floor [" + scan.floor.ToString() + "] credit " +
           std::to_string(scan.credit) +
           (scan.table.value == 0 ? "" : " table " + std::to_string(scan.table.value));
  }
  std::string operator()(const Chunk& chunk) const {
    return "Chunk " + SessionName(chunk.session) + "." + std::to_string(chunk.index) + " " +
           std::string(ScanPartName(chunk.chunk.part)) + " (\"" + chunk.chunk.after + "\", \"" +
           chunk.chunk.through + "\"] " + std::to_string(chunk.chunk.rows.size()) + " rows at [" +
           chunk.chunk.vector.ToString() + "]" +
           (chunk.chunk.claims.empty() ? "" : " of [" + chunk.chunk.claims.ToString() + "]") +
           (chunk.more        ? " more"
            : chunk.chunk.end ? " end"
                              : "");
  }
};

}  // namespace

uint64_t BatchCost(const streams::RecordBatch& batch) {
  return batch.bytes() + kRecordOverhead * batch.records.size();
}

uint64_t ChunkCost(const streams::ScanChunk& chunk) {
  return chunk.bytes() + kRecordOverhead * (chunk.rows.size() + 1);
}

std::string_view ScanPartName(streams::ScanPart part) {
  switch (part) {
    case streams::ScanPart::kCatalog: return "catalog";
    case streams::ScanPart::kItems: return "items";
    case streams::ScanPart::kDigests: return "digests";
    case streams::ScanPart::kLedger: return "ledger";
    case streams::ScanPart::kDone: return "done";
  }
  return "?";
}

std::string ToString(LogId log) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%u.%04x", log.region().value,
                static_cast<unsigned>(log.value & 0xffff));
  return buffer;
}

std::string_view EndReasonName(EndReason reason) {
  switch (reason) {
    case EndReason::kTrimmed: return "trimmed";
    case EndReason::kUnknownLog: return "unknown log";
    case EndReason::kAhead: return "ahead";
    case EndReason::kUnknownSession: return "unknown session";
    case EndReason::kUnavailable: return "unavailable";
    case EndReason::kNobody: return "nobody";
    case EndReason::kBehind: return "behind";
    case EndReason::kLacking: return "lacking";
  }
  return "?";
}

std::string ToString(const Message& message) { return std::visit(Printer{}, message); }

}  // namespace everwrite::replicator
