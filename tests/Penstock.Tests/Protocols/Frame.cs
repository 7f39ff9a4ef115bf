using System.Text;

namespace Penstock.Tests.Protocols;

/// <summary>One frame of an event stream, taken apart the plain way, so that the tests do not lean on the code they test.</summary>
internal sealed record Frame(string Event, string Data, string Id)
{
    public static List<Frame> All(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        if (text.Length > 0) text.ShouldEndWith("\n\n");
        return [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
    }

    private static Frame Parse(string text)
    {
        var lines = text.Split('\n').Select(l => l.Split(": ", 2)).ToList();
        lines[^1][0].ShouldBe("id"); // an id never outruns its data
        return new Frame(
            lines.Where(l => l[0] == "event").Select(l => l[1]).SingleOrDefault() ?? "",
            string.Join('\n', lines.Where(l => l[0] == "data").Select(l => l[1])),
            lines[^1][1]);
    }
}
