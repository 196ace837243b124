// A disk for tests: an SQLite VFS whose files live in memory and which fails as real disks do.
// Time and randomness come from SQLite's default VFS.
#ifndef ATTUNE_SERVICES_JOURNAL_FAULT_VFS_H_
#define ATTUNE_SERVICES_JOURNAL_FAULT_VFS_H_

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "services/base/mutex.h"
#include "services/base/random.h"

namespace attune::journal {

// Thread-safe. Registered under vfs_name() while it lives; must outlive what is open on it.
class FaultDisk {
 public:
  static constexpr size_t kSectorBytes = 512;

  // `name` must be unique in the process.
  FaultDisk(std::string name, uint64_t seed);
  ~FaultDisk();
  FaultDisk(const FaultDisk&) = delete;
  FaultDisk& operator=(const FaultDisk&) = delete;

  const std::string& vfs_name() const { return name_; }

  // ---- Faults
  // Room for all files together; a write that needs more gets SQLITE_FULL.
  void SetCapacity(int64_t bytes);
  // The next `count` syncs fail, and what they should have written is marked clean without being
  // on the disk: as Linux does, so that simply syncing again would lie.
  void FailSyncs(int count);
  // The next `count` writes stop half-way.
  void TearWrites(int count);
  // After so many more writes, syncs and truncations every call fails.
  void StopAfter(int64_t operations);
  void Stop() { StopAfter(0); }
  bool stopped() const;
  // Writes, syncs and truncations so far.
  int64_t operations() const;
  int64_t syncs() const;

  // ---- What a restart finds; nothing may be open
  // The process died: the system still had all that was written.
  void RestartAfterKill();
  // The power failed: of what was not synced, any sector may be there, in any of the versions it
  // has had, or not.
  void RestartAfterPowerCut();

  std::string Contents(const std::string& path) const;
  void SetContents(const std::string& path, std::string bytes);

 private:
  friend struct FaultFileMethods;
  struct File {
    std::string live;                                      // what a read returns
    std::string synced;                                    // what the disk is sure to hold
    std::map<size_t, std::vector<std::string>> dirty;      // sector -> its versions since the sync
    size_t shortest = std::numeric_limits<size_t>::max();  // since the sync
    const void* lock_holder = nullptr;
  };

  // SQLITE_OK, or why the operation fails.
  int Count() ATTUNE_REQUIRES(mu_);
  int Write(File& file, const char* bytes, size_t count, size_t at);
  int Truncate(File& file, size_t size);
  int Sync(File& file);
  void Put(File& file, const char* bytes, size_t count, size_t at) ATTUNE_REQUIRES(mu_);

  const std::string name_;
  sqlite3_vfs vfs_;
  mutable Mutex mu_;
  SeededRandom random_ ATTUNE_GUARDED_BY(mu_);
  std::map<std::string, std::shared_ptr<File>> files_ ATTUNE_GUARDED_BY(mu_);
  int64_t capacity_ ATTUNE_GUARDED_BY(mu_) = std::numeric_limits<int64_t>::max();
  int64_t operations_ ATTUNE_GUARDED_BY(mu_) = 0;
  int64_t syncs_ ATTUNE_GUARDED_BY(mu_) = 0;
  int64_t stop_at_ ATTUNE_GUARDED_BY(mu_) = std::numeric_limits<int64_t>::max();
  int failing_syncs_ ATTUNE_GUARDED_BY(mu_) = 0;
  int torn_writes_ ATTUNE_GUARDED_BY(mu_) = 0;
};

}  // namespace attune::journal

#endif  // ATTUNE_SERVICES_JOURNAL_FAULT_VFS_H_
