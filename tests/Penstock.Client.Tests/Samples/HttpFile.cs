using System.Text;

namespace Penstock.Client.Tests.Samples;

/// <summary>A request of an <c>.http</c> file, as editors read them: as much of the format as <c>samples/api.http</c> uses.</summary>
internal sealed record HttpFile(string? Name, string Line, List<string> Headers, string Body)
{
    public static List<HttpFile> Read(string path)
    {
        var requests = new List<HttpFile>();
        foreach (var part in File.ReadAllText(path).Split("\n###").Skip(1)) // what stands before the first are variables
        {
            var lines = part.Split('\n').Skip(1).ToList();
            var name = lines.Find(l => l.StartsWith("# @name ", StringComparison.Ordinal))?["# @name ".Length..];
            lines.RemoveAll(l => l.StartsWith('#'));
            var blank = lines.IndexOf("");
            var head = lines[..(blank < 0 ? lines.Count : blank)];
            requests.Add(new HttpFile(name, head[0], head[1..], blank < 0 ? "" : string.Join('\n', lines[blank..]).Trim()));
        }

        return requests;
    }

    /// <param name="ids">The <c>id</c> in the reply to each named request.</param>
    public HttpRequestMessage Message(string server, IReadOnlyDictionary<string, string> ids)
    {
        var method = Line.Split(' ')[0];
        var message = new HttpRequestMessage(new HttpMethod(method), Fill(Line[(method.Length + 1)..]));
        if (Body.Length > 0) message.Content = new StringContent(Fill(Body), Encoding.UTF8, "application/json");
        foreach (var header in Headers.Select(h => h.Split(": ", 2)).Where(h => h[0] != "Content-Type"))
            message.Headers.TryAddWithoutValidation(header[0], Fill(header[1])).ShouldBeTrue();
        return message;

        string Fill(string text)
        {
            text = text.Replace("{{server}}", server, StringComparison.Ordinal);
            foreach (var (name, id) in ids) text = text.Replace($"{{{{{name}.response.body.$.id}}}}", id, StringComparison.Ordinal);
            text.ShouldNotContain("{{");
            return text;
        }
    }
}
