#include "region/table/stream_catalog.h"

#include <mutex>
#include <utility>

namespace everwrite::table {

Status StreamCatalog::Load(const KvStore& store) {
  const auto it = store.NewIterator(ColumnFamily::kStreams, {});
  for (it->Seek(""); it->Valid();) {
    auto stream = TableStream::Load(*it, policy_);
    EW_RETURN_IF_ERROR(it->status());
    if (!stream) return DataLoss("what is stored of a stream is damaged or of a newer version");
    streams_.emplace(stream->definition().id, std::move(stream));
  }
  return it->status();
}

std::shared_ptr<TableStream> StreamCatalog::FindOrMake(const TableDefinition& definition) {
  StreamDefinition wanted = StreamOf(definition);
  std::unique_lock lock(mutex_);
  auto& stream = streams_[wanted.id];
  if (!stream) stream = std::make_shared<TableStream>(std::move(wanted), policy_);
  return stream;
}

void StreamCatalog::Attach(const TableDefinition& definition, TableState& state) {
  if (definition.stream != StreamView::kNone) state.SetStream(FindOrMake(definition));
}

void StreamCatalog::Replace(CommitTurn& turn, const TableDefinition* after, TableState& state) {
  const std::shared_ptr<TableStream> before = state.Stream();
  const bool on = after && after->stream != StreamView::kNone;
  if (before && on && before->definition().id == StreamOf(*after).id) return;
  if (before) before->End(turn);
  std::shared_ptr<TableStream> stream;
  if (on) {
    stream = FindOrMake(*after);
    stream->Begin(turn);
  }
  if (before || stream) state.SetStream(std::move(stream));
}

std::vector<std::shared_ptr<TableStream>> StreamCatalog::All() const {
  std::vector<std::shared_ptr<TableStream>> all;
  std::shared_lock lock(mutex_);
  for (const auto& [id, stream] : streams_) all.push_back(stream);
  return all;
}

void StreamCatalog::BeginAnew(CommitTurn& turn) {
  for (const auto& stream : All()) stream->BeginAnew(turn);
}

void StreamCatalog::Tend(CommitTurn& turn) {
  for (const auto& stream : All()) {
    if (stream->Tend(turn)) continue;
    std::unique_lock lock(mutex_);
    streams_.erase(stream->definition().id);
  }
}

StreamInfoPtr StreamCatalog::Find(streams::StreamId id) const {
  std::shared_lock lock(mutex_);
  const auto at = streams_.find(id);
  return at == streams_.end() ? nullptr : at->second->Info();
}

std::vector<StreamInfoPtr> StreamCatalog::List() const {
  std::vector<StreamInfoPtr> all;
  for (const auto& stream : All())
    if (StreamInfoPtr info = stream->Info()) all.push_back(std::move(info));
  return all;
}

bool StreamCatalog::empty() const {
  std::shared_lock lock(mutex_);
  return streams_.empty();
}

}  // namespace everwrite::table
