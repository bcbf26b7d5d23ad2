#include "chaos/disk_shim/shimmed_disk.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

namespace everwrite::chaos {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t kSeeds = 24;
const std::string kGone = "(gone)";

class ShimmedDiskTest : public testing::Test {
 protected:
  void SetUp() override { Fresh(); }
  void TearDown() override { Clear(); }

  // Nothing was ever written.
  void Fresh() {
    Clear();
    std::string name = testing::TempDir() + "everwrite-disk-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    base_ = name;
    fs::create_directories(root());
    auto disk = ShimmedDisk::Make(root(), root() + "/run", base_ + "/side");
    ASSERT_TRUE(disk.ok()) << disk.status().message();
    disk_ = std::move(disk).value();
  }
  void Clear() {
    disk_.reset();
    if (!base_.empty()) fs::remove_all(base_);
  }
  std::string root() const { return base_ + "/data"; }

  // What it printed.
  std::string Run(std::vector<std::string> acts) {
    const auto library = FindDiskShim();
    EXPECT_TRUE(library.ok()) << library.status().message();
    std::string command;
    for (const auto& [name, value] : disk_->Environment(*library))
      command += name + "='" + value + "' ";
    const fs::path program = fs::read_symlink("/proc/self/exe").parent_path();
    command += program.string() + "/everwrite_disk_victim '" + root() + "'";
    for (const std::string& act : acts) command += " '" + act + "'";
    FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
    std::string out;
    char buffer[256];
    while (std::fgets(buffer, sizeof(buffer), pipe) != nullptr) out += buffer;
    ::pclose(pipe);
    // The shell's word, where it has one.
    if (const size_t at = out.find("Killed\n"); at != std::string::npos) out.resize(at);
    return out;
  }
  std::string Read(const std::string& name) const {
    std::ifstream in(root() + "/" + name, std::ios::binary);
    if (!in) return kGone;
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  // All that a file may be after a power cut that follows these acts.
  std::set<std::string> Fates(const std::string& name, const std::vector<std::string>& before,
                              const std::vector<std::string>& acts = {}) {
    std::set<std::string> fates;
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      Fresh();
      EXPECT_EQ(Run(before), "");
      if (!acts.empty()) {
        EXPECT_EQ(Run(acts), "");
      }
      EXPECT_EQ(disk_->holes(), 0U);
      const auto report = disk_->CutPower(seed);
      EXPECT_TRUE(report.ok()) << report.status().message();
      fates.insert(Read(name));
    }
    return fates;
  }
  using Set = std::set<std::string>;

  std::string base_;
  std::unique_ptr<ShimmedDisk> disk_;
};

const std::vector<std::string> kSafe = {"append=a:safe", "sync=a", "sync_folder"};
std::vector<std::string> AfterSafe(std::vector<std::string> acts) {
  acts.insert(acts.begin(), kSafe.begin(), kSafe.end());
  return acts;
}

TEST_F(ShimmedDiskTest, WhatWasSyncedIsAlwaysThere) { EXPECT_EQ(Fates("a", kSafe), (Set{"safe"})); }

TEST_F(ShimmedDiskTest, OfATailThatWasNotSyncedNothingAPartOrAllIsLeft) {
  const Set fates = Fates("a", AfterSafe({"append=a:more"}));
  EXPECT_EQ(fates.count("safe"), 1U);
  EXPECT_EQ(fates.count("safemore"), 1U);
  EXPECT_GT(fates.size(), 2U);
  for (const std::string& fate : fates) EXPECT_TRUE(fate.starts_with("safe")) << fate;
}

TEST_F(ShimmedDiskTest, AFileIsThereForCertainOnceItsFolderWasSynced) {
  EXPECT_EQ(Fates("a", {"append=a:x", "sync=a"}), (Set{"x", kGone}));
  EXPECT_EQ(Fates("a", {"append=a:x", "sync=a", "sync_folder"}), (Set{"x"}));
  EXPECT_EQ(Fates("d/a", {"make_folder=d", "append=d/a:x", "sync=d/a"}), (Set{"x", kGone}));
}

TEST_F(ShimmedDiskTest, ARenameOverAFileIsTheOldOrTheNew) {
  std::vector<std::string> acts =
      AfterSafe({"append=b:next", "sync=b", "sync_folder", "rename=b:a"});
  EXPECT_EQ(Fates("a", acts), (Set{"safe", "next"}));
  EXPECT_EQ(Fates("b", acts), (Set{"next", kGone}));
  acts.push_back("sync_folder");
  EXPECT_EQ(Fates("a", acts), (Set{"next"}));
}

TEST_F(ShimmedDiskTest, WhatWasRemovedMayComeBackUntilItsFolderWasSynced) {
  std::vector<std::string> acts = AfterSafe({"remove=a"});
  EXPECT_EQ(Fates("a", acts), (Set{"safe", kGone}));
  acts.push_back("sync_folder");
  EXPECT_EQ(Fates("a", acts), (Set{kGone}));
}

TEST_F(ShimmedDiskTest, OverwrittenAndCutOffBytesComeBackUntilTheyWereSynced) {
  EXPECT_EQ(Fates("a", AfterSafe({"overwrite=a:new!"})), (Set{"safe", "new!"}));
  EXPECT_EQ(Fates("a", AfterSafe({"overwrite=a:new!", "sync=a"})), (Set{"new!"}));
  EXPECT_EQ(Fates("a", AfterSafe({"truncate=a:1"})), (Set{"safe", "s"}));
}

TEST_F(ShimmedDiskTest, AProcessThatIsStartedAgainGoesOnWithTheBook) {
  const Set fates = Fates("a", AfterSafe({"append=a:one"}), {"append=b:two", "sync=b"});
  EXPECT_EQ(fates.count("safe"), 1U);
  EXPECT_EQ(Fates("a", AfterSafe({"append=a:one"}), {"sync=a"}), (Set{"safeone"}));
}

TEST_F(ShimmedDiskTest, ADiskThatLiesLosesWhatWasSynced) {
  bool lost = false;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Fresh();
    disk_->Lie(true);
    EXPECT_EQ(Run(kSafe), "");
    ASSERT_TRUE(disk_->CutPower(seed).ok());
    lost |= Read("a") != "safe";
  }
  EXPECT_TRUE(lost);
}

TEST_F(ShimmedDiskTest, TheNthCallFailsOnceOrFromThereOn) {
  disk_->FailCall(DiskCall::kSync, 2, EIO, /*goes_on=*/false);
  EXPECT_EQ(Run({"append=a:x", "sync=a", "sync=a", "sync=a"}), "sync 5\n");
  EXPECT_EQ(disk_->failed(DiskCall::kSync), 1U);
  disk_->FailCall(DiskCall::kWrite, 1, ENOSPC, /*goes_on=*/true);
  EXPECT_EQ(Run({"append=a:x", "append=a:y", "sync=a"}), "append 28\nappend 28\n");
  disk_->Heal();
  EXPECT_EQ(Run({"append=a:z"}), "");
}

TEST_F(ShimmedDiskTest, WhatAFailedSyncWasForIsLostWhateverALaterOneSays) {
  disk_->FailCall(DiskCall::kSync, 3, EIO, /*goes_on=*/false);
  EXPECT_EQ(Run(AfterSafe({"append=a:bad", "sync=a", "append=a:good", "sync=a"})), "sync 5\n");
  ASSERT_TRUE(disk_->CutPower(1).ok());
  EXPECT_EQ(Read("a"), "safe" + std::string(3, '\0') + "good");
}

TEST_F(ShimmedDiskTest, ADiskIsSlowAndHangs) {
  const auto seconds = [this](const std::vector<std::string>& acts) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(Run(acts), "");
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  disk_->SetSyncDelay(100'000);
  EXPECT_GT(seconds({"append=a:x", "sync=a", "sync=a", "sync=a"}), 0.3);
  disk_->Heal();
  disk_->HangFor(500'000);
  EXPECT_GT(seconds({"append=a:x"}), 0.4);
}

TEST_F(ShimmedDiskTest, APartOfTheFolderIsLeftAlone) {
  fs::create_directories(root() + "/run");
  EXPECT_EQ(Fates("run/log", {"make_folder=run", "append=run/log:x"}), (Set{"x"}));
}

}  // namespace
}  // namespace everwrite::chaos
