#include "cli/chaos_machine.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "base/random.h"

namespace everwrite::cli {
namespace {

namespace fs = std::filesystem;
using chaos::DamagedFile;
using chaos::DamageHow;
using chaos::DiskCall;
using chaos::Fault;
using chaos::FaultKind;

// A region is back at once, however often it was killed.
constexpr int64_t kLongestDelayMs = 200;

// The file of the kind that matters most: the longest.
std::string LongestOf(const std::string& folder, DamagedFile kind) {
  std::string found;
  uintmax_t longest = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const bool fits = kind == DamagedFile::kWal        ? name.ends_with(".log")
                      : kind == DamagedFile::kSst      ? name.ends_with(".sst")
                      : kind == DamagedFile::kManifest ? name.starts_with("MANIFEST")
                                                       : name == "CURRENT";
    const uintmax_t bytes = fits ? entry.file_size(error) : 0;
    if (bytes <= longest) continue;
    longest = bytes;
    found = entry.path().string();
  }
  return found;
}

}  // namespace

Result<std::unique_ptr<ChaosMachine>> ChaosMachine::Make(Options options) {
  std::unique_ptr<ChaosMachine> machine(new ChaosMachine(std::move(options)));
  const Options& given = machine->options_;
  if (!given.shim.empty()) {
    EW_ASSIGN_OR_RETURN(
        machine->disk_,
        chaos::ShimmedDisk::Make(given.region.data, given.region.run_folder(), given.side));
    machine->disk_->Lie(given.lying_disk);
  }
  return machine;
}

void ChaosMachine::Adjust(std::string_view role, chaos::ProcessSpec& spec) {
  spec.longest_delay_ms = kLongestDelayMs;
  if (role == "region" && disk_ != nullptr) {
    spec.environment = disk_->Environment(options_.shim);
    // A sanitizer's runtime would be the first to be loaded.
    spec.environment["ASAN_OPTIONS"] = "verify_asan_link_order=0";
  }
  spec.before_start = [this, role = std::string(role)](chaos::ProcessSpec& next) {
    BeforeStart(role, next);
  };
}

void ChaosMachine::BeforeStart(std::string_view role, chaos::ProcessSpec& spec) {
  const std::lock_guard lock(mutex_);
  if (upgraded_ && role != "nats") spec.command[0] = options_.other;
  if (role != "region") return;
  for (const uint64_t seed : power_cuts_) {
    const auto cut = disk_->CutPower(seed);
    if (!cut.ok()) {
      Note(cut.status());
      continue;
    }
    ++figures_.power_cuts;
    figures_.lost.files_cut += cut->files_cut;
    figures_.lost.bytes_lost += cut->bytes_lost;
    figures_.lost.changes_lost += cut->changes_lost;
  }
  power_cuts_.clear();
  if (new_disk_) {
    const std::string aside = ".lost-" + std::to_string(put_aside_++);
    for (const char* part : {"/db", "/everwrite.identity"}) {
      std::error_code ignored;
      fs::rename(options_.region.data + part, options_.region.data + part + aside, ignored);
    }
    new_disk_ = false;
    if (disk_ != nullptr) Note(disk_->Forget());
  }
  if (damage_) Damage(damage_->first, damage_->second);
  damage_.reset();
  if (error_) Arm(*error_);
  error_.reset();
}

void ChaosMachine::Note(const Status& status) {
  if (!status.ok()) figures_.failures.push_back(options_.region.name + ": " + status.message());
}

void ChaosMachine::PlanPowerCut(uint64_t seed) {
  const std::lock_guard lock(mutex_);
  power_cuts_.push_back(seed);
}
void ChaosMachine::PlanDiskError(const Fault& fault) {
  const std::lock_guard lock(mutex_);
  error_ = fault;
}
void ChaosMachine::PlanDamage(const Fault& fault, uint64_t seed) {
  const std::lock_guard lock(mutex_);
  damage_ = {fault, seed};
}
void ChaosMachine::PlanNewDisk() {
  const std::lock_guard lock(mutex_);
  new_disk_ = true;
}
void ChaosMachine::PlanUpgrade() {
  const std::lock_guard lock(mutex_);
  upgraded_ = !upgraded_;  // and back again
}

void ChaosMachine::Arm(const Fault& fault) {
  const int error = fault.no_space ? ENOSPC : EIO;
  if (fault.fail_write != 0)
    disk_->FailCall(DiskCall::kWrite, fault.fail_write, error, !fault.once);
  if (fault.fail_sync != 0) disk_->FailCall(DiskCall::kSync, fault.fail_sync, error, !fault.once);
}

void ChaosMachine::Damage(const Fault& fault, uint64_t seed) {
  const std::string path = LongestOf(options_.region.data + "/db", fault.file);
  // A region that has not lived long has no such file yet.
  if (path.empty()) return;
  Random chance(seed);
  std::error_code error;
  const uintmax_t bytes = fs::file_size(path, error);
  if (fault.how == DamageHow::kDelete) {
    fs::remove(path, error);
  } else if (fault.how == DamageHow::kTruncate) {
    fs::resize_file(path, bytes / 2, error);
  } else {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(chance.Below(bytes));
    file.seekg(at);
    const int byte = file.get();
    file.seekp(at);
    file.put(static_cast<char>(byte ^ (1 << chance.Below(8))));
  }
  damaged_ = path;
}

std::optional<std::string> ChaosMachine::TakeDamaged() {
  const std::lock_guard lock(mutex_);
  std::optional<std::string> taken;
  taken.swap(damaged_);
  return taken;
}

void ChaosMachine::Begin(const chaos::Stroke& stroke) {
  const Fault& fault = stroke.fault;
  switch (stroke.kind) {
    case FaultKind::kDiskError: Arm(fault); break;
    case FaultKind::kDiskSlow: disk_->SetSyncDelay(fault.sync_delay_us); break;
    case FaultKind::kDiskHang: disk_->HangFor(stroke.until - stroke.at); break;
    case FaultKind::kCpu:
      cpu_ = std::make_unique<chaos::CpuShare>(options_.region_pid, fault.share_percent);
      break;
    case FaultKind::kMemory: {
      auto limit = chaos::MemoryLimit::Make(options_.region.name, fault.limit_bytes);
      if (limit.ok())
        memory_.emplace(std::move(limit).value());
      else
        Note(limit.status());
      break;
    }
    default: break;
  }
}

void ChaosMachine::End(const chaos::Stroke& stroke) {
  switch (stroke.kind) {
    case FaultKind::kDiskError:
    case FaultKind::kDiskSlow:
    case FaultKind::kDiskHang: disk_->Heal(); break;
    case FaultKind::kCpu: cpu_.reset(); break;
    case FaultKind::kMemory: memory_.reset(); break;
    default: break;
  }
}

void ChaosMachine::Heal() {
  cpu_.reset();
  memory_.reset();
  const std::lock_guard lock(mutex_);
  error_.reset();
  if (disk_ != nullptr) disk_->Heal();
}

void ChaosMachine::Tick() {
  if (!memory_) return;
  const pid_t pid = options_.region_pid();
  // It may end in between: the next one is put in.
  if (pid != 0) (void)memory_->Add(pid);
}

ChaosMachine::Figures ChaosMachine::figures() const {
  const std::lock_guard lock(mutex_);
  Figures figures = figures_;
  if (disk_ != nullptr) {
    figures.errors_given = disk_->failed(DiskCall::kWrite) + disk_->failed(DiskCall::kSync);
    figures.holes = disk_->holes();
  }
  return figures;
}

}  // namespace everwrite::cli
