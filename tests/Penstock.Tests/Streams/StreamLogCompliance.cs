using System.Text;
using Penstock.Streams;
using Penstock.Testing;

namespace Penstock.Tests.Streams;

/// <summary>The law of <see cref="IStreamLog"/>, case by case. Every store passes it.</summary>
public abstract partial class StreamLogCompliance : IAsyncLifetime
{
    private protected ManualTimeProvider Time { get; } = new();

    private protected IStreamLog Log { get; private set; } = null!;

    private protected StreamStoreOptions Options { get; } = new() { MaxStreamBytes = 40 << 20 };

    private protected abstract IStreamLog Open();

    public async ValueTask InitializeAsync()
    {
        Log = Open();
        await ValueTask.CompletedTask;
    }

    public virtual async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
