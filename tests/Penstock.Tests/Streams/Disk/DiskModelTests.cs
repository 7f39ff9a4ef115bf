using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Streams;

namespace Penstock.Tests.Streams.Disk;

/// <summary>Random operations on a store beside a model that is nothing but lists, with restarts and crashes in between.</summary>
public sealed class DiskModelTests
{
    [Fact]
    public void The_store_does_what_a_plain_list_does()
    {
        var config = Config.QuickThrowOnFailure.WithMaxTest(150).WithEndSize(900);
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), script => RunAsync(script).GetAwaiter().GetResult()).Check(config);
    }

    private static async Task RunAsync(byte[] script)
    {
        var model = new Dictionary<string, Model>(StringComparer.Ordinal);
        await using var store = new DiskStore(options: DiskStore.Small with { SegmentBytes = 4 << 10, RingBytes = 2 << 10 });
        var count = 0;
        foreach (var step in script.Chunk(3).Where(step => step.Length == 3))
        {
            var path = (step[1] % 5).ToString(CultureInfo.InvariantCulture);
            model.TryGetValue(path, out var stream);
            switch (step[0] % 16)
            {
                case < 3 when stream is null:
                    model[path] = new Model { Writer = await store.Log.CreateAsync(path) };
                    break;
                case < 9 when stream is { Closed: false }:
                    var events = Enumerable.Range(0, (step[2] % 4) + 1).Select(i => $"{count++}{new string('x', step[2] * i)}").ToArray();
                    if (stream.Writer is null) break;
                    await stream.Writer.AppendAsync(events);
                    stream.Events.AddRange(events);
                    break;
                case 9 when stream is { Closed: false, Writer: not null }:
                    await stream.Writer.CloseAsync("end");
                    stream.Events.Add("end");
                    stream.Closed = true;
                    break;
                case 10 or 11 when stream is { Closed: false }:
                    stream.Writer = (await store.Log.TakeOverAsync(path)).ShouldNotBeNull();
                    stream.Epoch++;
                    break;
                case 12 when stream is not null:
                    (await store.Log.DeleteAsync(path)).ShouldBeTrue();
                    model.Remove(path);
                    break;
                case 13:
                    await store.ReopenAsync();
                    foreach (var each in model.Values) each.Writer = null;
                    break;
                case 14:
                    await using (var crashed = store.Crash())
                    {
                        await CompareAsync(crashed.Log, model, step[2]);
                        crashed.Folder.Dispose();
                    }

                    break;
                case 15 when step[2] < 40:
                    store.Time.Advance(TimeSpan.FromHours(25));
                    foreach (var gone in model.Where(each => each.Value.Closed).ToList()) model.Remove(gone.Key);
                    break;
                default:
                    await CompareAsync(store.Log, model, step[2]);
                    break;
            }
        }

        await store.ReopenAsync();
        await CompareAsync(store.Log, model, 0);
        store.Messages.ShouldNotContain(message => message.Contains("damaged.", StringComparison.Ordinal));
    }

    private static async Task CompareAsync(IStreamLog log, Dictionary<string, Model> model, int from)
    {
        (await log.ListAsync().Select(info => info.Path).ToListAsync()).Order(StringComparer.Ordinal).ShouldBe(model.Keys.Order(StringComparer.Ordinal));
        foreach (var (path, stream) in model)
        {
            var info = (await log.GetAsync(path)).ShouldNotBeNull();
            (info.NextOffset, info.Closed, info.Epoch).ShouldBe((stream.Events.Count, stream.Closed, stream.Epoch));
            (await log.ReadAllAsync(path, from)).ShouldBe(stream.Events.Skip(from));
        }
    }

    private sealed class Model
    {
        public List<string> Events { get; } = [];

        public IStreamWriter? Writer { get; set; }

        public bool Closed { get; set; }

        public int Epoch { get; set; } = 1;
    }
}
