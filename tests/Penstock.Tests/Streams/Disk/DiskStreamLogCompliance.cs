using Microsoft.Extensions.Logging.Abstractions;
using Penstock.Streams;
using Penstock.Streams.Disk;

namespace Penstock.Tests.Streams.Disk;

/// <summary>The law, kept with segments and a ring so small that each case rolls over.</summary>
public sealed class SmallDiskStreamLogCompliance : DiskStreamLogCompliance
{
    private protected override DiskStoreOptions Configure(DiskStoreOptions options) => options with { SegmentBytes = 64 << 10, RingBytes = 16 << 10 };
}

public sealed class ProcessDiskStreamLogCompliance : DiskStreamLogCompliance
{
    private protected override DiskStoreOptions Configure(DiskStoreOptions options) => options;
}

public sealed class PowerDiskStreamLogCompliance : DiskStreamLogCompliance
{
    private protected override DiskStoreOptions Configure(DiskStoreOptions options) => options with { Commit = CommitPolicy.Power };
}

public abstract class DiskStreamLogCompliance : StreamLogCompliance
{
    private readonly TemporaryFolder _folder = new();

    private protected abstract DiskStoreOptions Configure(DiskStoreOptions options);

    private protected override IStreamLog Open() => DiskStreamLog.Open(
        Configure(new DiskStoreOptions { Folder = _folder.Path, MaxStreamBytes = Options.MaxStreamBytes }), Time, NullLogger.Instance);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }
}
