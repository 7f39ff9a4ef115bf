using System.Buffers;
using System.Text;
using Penstock.Protocols;
using Penstock.Protocols.Native;

namespace Penstock.Tests.Protocols;

/// <summary>Takes the events of a reader as native JSON, one a line, and can play them back.</summary>
internal sealed class EventList : IEventSink
{
    public List<string> Json { get; } = [];

    public void Write(in GenerationEvent generationEvent)
    {
        var buffer = new ArrayBufferWriter<byte>();
        NativeEventWriter.Write(generationEvent, buffer);
        Json.Add(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    /// <summary>The events said shortly: <c>+0 text</c>, <c>0:Hi</c>, <c>-0</c>; text is left escaped.</summary>
    public string Short => string.Join(" | ", Json.Select(Shorten));

    /// <summary>The joined text of all blocks of a kind, unescaped.</summary>
    public string Text(BlockKind kind)
    {
        var blocks = new HashSet<int>();
        var text = new StringBuilder();
        foreach (var json in Json)
        {
            var read = NativeEventReader.Read(Encoding.UTF8.GetBytes(json));
            if (read.Kind == EventKind.BlockStart && read.BlockKind == kind) blocks.Add(read.Block);
            if (read.Kind == EventKind.Delta && blocks.Contains(read.Block)) text.Append(JsonText.ToText(read.Text));
        }

        return text.ToString();
    }

    private static string Shorten(string json)
    {
        var read = NativeEventReader.Read(Encoding.UTF8.GetBytes(json));
        var choice = read.Choice == 0 ? "" : $" choice {read.Choice}";
        return read.Kind switch
        {
            EventKind.BlockStart when read.BlockKind == BlockKind.ToolCall => $"+{read.Block} {read.Name}({read.Id}){choice}",
            EventKind.BlockStart => $"+{read.Block} {read.BlockKind}{choice}",
            EventKind.Delta => $"{read.Block}:{Encoding.UTF8.GetString(read.Text)}"
                + (read.Signature.IsEmpty ? "" : $"#{Encoding.UTF8.GetString(read.Signature)}")
                + (read.LogProbs.IsEmpty ? "" : $"%{Encoding.UTF8.GetString(read.LogProbs)}"),
            EventKind.BlockStop => $"-{read.Block}",
            _ => json,
        };
    }
}

/// <summary>A sink that does nothing.</summary>
internal sealed class NoSink : IEventSink
{
    public int Count { get; private set; }

    public void Write(in GenerationEvent generationEvent) => Count++;
}
