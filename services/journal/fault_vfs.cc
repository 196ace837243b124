#include "services/journal/fault_vfs.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace attune::journal {

// SQLite's C interface; one of these stands in the memory that SQLite allots per open file.
struct FaultFileMethods {
  struct Handle {
    sqlite3_file base;  // first: SQLite sees only this
    FaultDisk* disk;
    std::shared_ptr<FaultDisk::File>* file;
  };

  static Handle& Of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }
  static FaultDisk& DiskOf(sqlite3_vfs* vfs) { return *static_cast<FaultDisk*>(vfs->pAppData); }
  static sqlite3_vfs* Default() { return sqlite3_vfs_find("unix"); }

  static int Close(sqlite3_file* raw) {
    Handle& handle = Of(raw);
    Unlock(raw, SQLITE_LOCK_NONE);
    delete handle.file;
    handle.file = nullptr;
    return SQLITE_OK;
  }
  static int Read(sqlite3_file* raw, void* to, int count, sqlite3_int64 at) {
    Handle& handle = Of(raw);
    MutexLock lock(handle.disk->mu_);
    if (handle.disk->operations_ >= handle.disk->stop_at_) return SQLITE_IOERR_READ;
    const std::string& live = (*handle.file)->live;
    const size_t begin = std::min(live.size(), static_cast<size_t>(at));
    const size_t have = std::min(live.size() - begin, static_cast<size_t>(count));
    std::memcpy(to, live.data() + begin, have);
    std::memset(static_cast<char*>(to) + have, 0, static_cast<size_t>(count) - have);
    return have == static_cast<size_t>(count) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }
  static int Write(sqlite3_file* raw, const void* from, int count, sqlite3_int64 at) {
    Handle& handle = Of(raw);
    return handle.disk->Write(**handle.file, static_cast<const char*>(from),
                              static_cast<size_t>(count), static_cast<size_t>(at));
  }
  static int Truncate(sqlite3_file* raw, sqlite3_int64 size) {
    return Of(raw).disk->Truncate(**Of(raw).file, static_cast<size_t>(size));
  }
  static int Sync(sqlite3_file* raw, int) { return Of(raw).disk->Sync(**Of(raw).file); }
  static int FileSize(sqlite3_file* raw, sqlite3_int64* size) {
    MutexLock lock(Of(raw).disk->mu_);
    *size = static_cast<sqlite3_int64>((*Of(raw).file)->live.size());
    return SQLITE_OK;
  }
  static int Lock(sqlite3_file* raw, int) {
    MutexLock lock(Of(raw).disk->mu_);
    const void*& holder = (*Of(raw).file)->lock_holder;
    if (holder != nullptr && holder != raw) return SQLITE_BUSY;
    holder = raw;
    return SQLITE_OK;
  }
  static int Unlock(sqlite3_file* raw, int level) {
    MutexLock lock(Of(raw).disk->mu_);
    const void*& holder = (*Of(raw).file)->lock_holder;
    if (level == SQLITE_LOCK_NONE && holder == raw) holder = nullptr;
    return SQLITE_OK;
  }
  static int CheckReservedLock(sqlite3_file*, int* reserved) {
    *reserved = 0;
    return SQLITE_OK;
  }
  static int FileControl(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
  static int SectorSize(sqlite3_file*) { return FaultDisk::kSectorBytes; }
  static int DeviceCharacteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

  static int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* raw, int flags, int* out) {
    static const sqlite3_io_methods kMethods = {1,
                                                &Close,
                                                &Read,
                                                &Write,
                                                &Truncate,
                                                &Sync,
                                                &FileSize,
                                                &Lock,
                                                &Unlock,
                                                &CheckReservedLock,
                                                &FileControl,
                                                &SectorSize,
                                                &DeviceCharacteristics,
                                                nullptr,
                                                nullptr,
                                                nullptr,
                                                nullptr,
                                                nullptr,
                                                nullptr};
    FaultDisk& disk = DiskOf(vfs);
    MutexLock lock(disk.mu_);
    raw->pMethods = nullptr;
    const std::string path = name == nullptr ? "(temporary)" : name;
    const auto known = disk.files_.find(path);
    if (known == disk.files_.end() && (flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
    std::shared_ptr<FaultDisk::File> file;
    if (name == nullptr) {
      file = std::make_shared<FaultDisk::File>();
    } else {
      auto& slot = disk.files_[path];
      if (slot == nullptr) slot = std::make_shared<FaultDisk::File>();
      file = slot;
    }
    Handle& handle = Of(raw);
    handle.disk = &disk;
    handle.file = new std::shared_ptr<FaultDisk::File>(std::move(file));
    handle.base.pMethods = &kMethods;
    if (out != nullptr) *out = flags;
    return SQLITE_OK;
  }
  static int Delete(sqlite3_vfs* vfs, const char* name, int) {
    FaultDisk& disk = DiskOf(vfs);
    MutexLock lock(disk.mu_);
    if (disk.operations_ >= disk.stop_at_) return SQLITE_IOERR_DELETE;
    return disk.files_.erase(name) > 0 ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
  }
  static int Access(sqlite3_vfs* vfs, const char* name, int, int* result) {
    FaultDisk& disk = DiskOf(vfs);
    MutexLock lock(disk.mu_);
    const auto known = disk.files_.find(name);
    *result = known != disk.files_.end() && !known->second->live.empty();
    return SQLITE_OK;
  }
  static int FullPathname(sqlite3_vfs*, const char* name, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
  }
  static int Randomness(sqlite3_vfs*, int count, char* out) {
    return Default()->xRandomness(Default(), count, out);
  }
  static int Sleep(sqlite3_vfs*, int us) { return Default()->xSleep(Default(), us); }
  static int CurrentTime(sqlite3_vfs*, double* time) {
    return Default()->xCurrentTime(Default(), time);
  }
  static int GetLastError(sqlite3_vfs*, int, char*) { return 0; }
};

FaultDisk::FaultDisk(std::string name, uint64_t seed) : name_(std::move(name)), random_(seed) {
  vfs_ = {};
  vfs_.iVersion = 1;
  vfs_.szOsFile = sizeof(FaultFileMethods::Handle);
  vfs_.mxPathname = 512;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = &FaultFileMethods::Open;
  vfs_.xDelete = &FaultFileMethods::Delete;
  vfs_.xAccess = &FaultFileMethods::Access;
  vfs_.xFullPathname = &FaultFileMethods::FullPathname;
  vfs_.xRandomness = &FaultFileMethods::Randomness;
  vfs_.xSleep = &FaultFileMethods::Sleep;
  vfs_.xCurrentTime = &FaultFileMethods::CurrentTime;
  vfs_.xGetLastError = &FaultFileMethods::GetLastError;
  sqlite3_vfs_register(&vfs_, /*makeDflt=*/0);
}

FaultDisk::~FaultDisk() { sqlite3_vfs_unregister(&vfs_); }

void FaultDisk::SetCapacity(int64_t bytes) {
  MutexLock lock(mu_);
  capacity_ = bytes;
}

void FaultDisk::FailSyncs(int count) {
  MutexLock lock(mu_);
  failing_syncs_ = count;
}

void FaultDisk::TearWrites(int count) {
  MutexLock lock(mu_);
  torn_writes_ = count;
}

void FaultDisk::StopAfter(int64_t operations) {
  MutexLock lock(mu_);
  stop_at_ = operations_ + operations;
}

bool FaultDisk::stopped() const {
  MutexLock lock(mu_);
  return operations_ >= stop_at_;
}

int64_t FaultDisk::operations() const {
  MutexLock lock(mu_);
  return operations_;
}

int64_t FaultDisk::syncs() const {
  MutexLock lock(mu_);
  return syncs_;
}

int FaultDisk::Count() {
  if (operations_ >= stop_at_) return SQLITE_IOERR;
  ++operations_;
  return SQLITE_OK;
}

void FaultDisk::Put(File& file, const char* bytes, size_t count, size_t at) {
  if (file.live.size() < at + count) file.live.resize(at + count, '\0');
  file.live.replace(at, count, bytes, count);
  for (size_t sector = at / kSectorBytes; sector * kSectorBytes < at + count; ++sector) {
    file.dirty[sector].push_back(file.live.substr(sector * kSectorBytes, kSectorBytes));
  }
}

int FaultDisk::Write(File& file, const char* bytes, size_t count, size_t at) {
  MutexLock lock(mu_);
  if (const int code = Count(); code != SQLITE_OK) return SQLITE_IOERR_WRITE;
  int64_t used = 0;
  for (const auto& [path, each] : files_) used += static_cast<int64_t>(each->live.size());
  const int64_t growth = std::max<int64_t>(
      0, static_cast<int64_t>(at + count) - static_cast<int64_t>(file.live.size()));
  if (growth > 0 && used + growth > capacity_) return SQLITE_FULL;
  if (torn_writes_ > 0) {
    --torn_writes_;
    Put(file, bytes, count / 2, at);
    return SQLITE_IOERR_WRITE;
  }
  Put(file, bytes, count, at);
  return SQLITE_OK;
}

int FaultDisk::Truncate(File& file, size_t size) {
  MutexLock lock(mu_);
  if (const int code = Count(); code != SQLITE_OK) return SQLITE_IOERR_TRUNCATE;
  file.live.resize(size, '\0');
  file.shortest = std::min(file.shortest, size);
  return SQLITE_OK;
}

int FaultDisk::Sync(File& file) {
  MutexLock lock(mu_);
  if (const int code = Count(); code != SQLITE_OK) return SQLITE_IOERR_FSYNC;
  if (failing_syncs_ > 0) {
    --failing_syncs_;
    file.dirty.clear();
    return SQLITE_IOERR_FSYNC;
  }
  ++syncs_;
  if (file.shortest < file.synced.size()) file.synced.resize(file.shortest);
  for (const auto& [sector, versions] : file.dirty) {
    const size_t at = sector * kSectorBytes;
    if (at >= file.live.size()) continue;
    const size_t count = std::min(kSectorBytes, file.live.size() - at);
    if (file.synced.size() < at + count) file.synced.resize(at + count, '\0');
    file.synced.replace(at, count, file.live, at, count);
  }
  file.dirty.clear();
  file.shortest = std::numeric_limits<size_t>::max();
  return SQLITE_OK;
}

void FaultDisk::RestartAfterKill() {
  MutexLock lock(mu_);
  stop_at_ = std::numeric_limits<int64_t>::max();
}

void FaultDisk::RestartAfterPowerCut() {
  MutexLock lock(mu_);
  stop_at_ = std::numeric_limits<int64_t>::max();
  for (auto& [path, file] : files_) {
    std::string found = file->synced;
    if (file->shortest < found.size() && random_.Below(2) == 0) found.resize(file->shortest);
    for (const auto& [sector, versions] : file->dirty) {
      const uint64_t choice = random_.Below(versions.size() + 1);
      if (choice == versions.size()) continue;
      const std::string& bytes = versions[choice];
      const size_t at = sector * kSectorBytes;
      if (found.size() < at + bytes.size()) found.resize(at + bytes.size(), '\0');
      found.replace(at, bytes.size(), bytes);
    }
    file->live = found;
    file->synced = std::move(found);
    file->dirty.clear();
    file->shortest = std::numeric_limits<size_t>::max();
  }
}

std::string FaultDisk::Contents(const std::string& path) const {
  MutexLock lock(mu_);
  const auto known = files_.find(path);
  return known == files_.end() ? "" : known->second->live;
}

void FaultDisk::SetContents(const std::string& path, std::string bytes) {
  MutexLock lock(mu_);
  auto& file = files_[path];
  file = std::make_shared<File>();
  file->live = bytes;
  file->synced = std::move(bytes);
}

}  // namespace attune::journal
