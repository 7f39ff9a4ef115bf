namespace Penstock.Tests.Sse;

/// <summary>The standard's text written down as plainly as can be, to compare with.</summary>
internal static class SimpleSseReader
{
    public static List<Frame> Read(string text)
    {
        if (text.StartsWith('\uFEFF')) text = text[1..];
        var lines = text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n').Split('\n')[..^1]; // the last has no end

        var frames = new List<Frame>();
        string data = "", name = "", id = "";
        foreach (var line in lines)
        {
            if (line.Length == 0)
            {
                if (data.Length > 0) frames.Add(new Frame(data[..^1], name, id));
                data = name = "";
                continue;
            }

            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var field = colon < 0 ? line : line[..colon];
            var value = colon < 0 ? "" : line[(colon + 1)..];
            if (value.StartsWith(' ')) value = value[1..];
            switch (field)
            {
                case "data": data += value + "\n"; break;
                case "event": name = value; break;
                case "id" when !value.Contains('\0', StringComparison.Ordinal): id = value; break;
            }
        }

        return frames;
    }
}
