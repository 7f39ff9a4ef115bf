namespace Penstock.Generations;

/// <summary>Where a generation's stream is in the store.</summary>
internal static class GenerationPath
{
    public const string Prefix = "generations/";

    public static string Of(string id) => Prefix + id;

    public static string IdOf(string path) => path[Prefix.Length..];
}
