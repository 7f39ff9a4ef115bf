namespace Penstock.Mcp;

/// <summary>A server of the Model Context Protocol whose tools models are offered. It gets what stands here and nothing else of ours.</summary>
public sealed class McpServerOptions
{
    /// <summary>The program to start, which speaks over its standard input and output.</summary>
    public string? Command { get; set; }

    public IList<string> Args { get; set; } = [];

    /// <summary>The program's environment, beside the few variables that any needs to start.</summary>
    public IDictionary<string, string> Env { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The address of a server that runs already and speaks streamable HTTP.</summary>
    public string? Url { get; set; }

    /// <summary>Headers of every request to it, such as its credential.</summary>
    public IDictionary<string, string> Headers { get; set; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Those of its tools that may be used; none for all.</summary>
    public IList<string> Tools { get; set; } = [];

    /// <summary>The models whose every request is offered the tools, as clients name them; <c>*</c> for all. Others are offered them where they ask.</summary>
    public IList<string> Models { get; set; } = [];

    /// <summary>The tools that may be run again when it is not known what became of a run; <c>*</c> for all.</summary>
    public IList<string> Idempotent { get; set; } = [];

    /// <summary>The tools each of whose calls a person must allow; <c>*</c> for all.</summary>
    public IList<string> Approval { get; set; } = [];

    /// <summary>How long a call may take.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the server may take to start and to say what it has.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How much of a result is taken, in characters; the rest is cut off.</summary>
    public int MaxResultLength { get; set; } = 64 * 1024;

    // What a timer takes.
    private static readonly TimeSpan _longest = TimeSpan.FromDays(24);

    /// <summary>What is wrong, in sentences that name the key and the mend.</summary>
    /// <param name="key">The key that the options stand under.</param>
    public IEnumerable<string> Check(string key)
    {
        if ((Command is null) == (Url is null)) yield return $"{key} needs either Command, a program to start, or Url, the address of a server that runs.";
        if (Url is not null && !(Uri.TryCreate(Url, UriKind.Absolute, out var address) && address.Scheme is "http" or "https")) yield return $"{key}:Url is no http or https address.";
        if (Url is null && Headers.Count > 0) yield return $"{key}:Headers go with Url; a program's credential goes into Env.";
        if (Command is null && (Args.Count > 0 || Env.Count > 0)) yield return $"{key}:Args and Env go with Command.";
        if (Timeout <= TimeSpan.Zero || Timeout > _longest) yield return $"{key}:Timeout is {Timeout}; give a time, 24 days at most, such as 00:00:30.";
        if (ConnectTimeout <= TimeSpan.Zero || ConnectTimeout > _longest) yield return $"{key}:ConnectTimeout is {ConnectTimeout}; give a time, 24 days at most, such as 00:00:30.";
        if (MaxResultLength is < 1 or > 16 * 1024 * 1024) yield return $"{key}:MaxResultLength is {MaxResultLength}; give 1 to 16777216 characters.";
    }
}
