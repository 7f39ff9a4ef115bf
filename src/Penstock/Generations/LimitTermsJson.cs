using System.Text.Json;
using System.Text.Json.Serialization;
using Penstock.Limits;
using static Penstock.Protocols.JsonMembers;

namespace Penstock.Generations;

/// <summary>
/// Reads <see cref="LimitTerms"/> by hand: they are read again for every line of usage, where a serializer took longer over the accounts than all
/// else did together.
/// </summary>
internal sealed class LimitTermsJson : JsonConverter<LimitTerms>
{
    public override LimitTerms Read(ref Utf8JsonReader json, Type typeToConvert, JsonSerializerOptions options)
    {
        var (payer, model, input, output, money) = (default(Payer), default(string), 0L, 0L, 0L);
        while (IsNext(ref json))
        {
            if (Is(ref json, "payer"u8)) payer = PayerJson.Read(ref json);
            else if (Is(ref json, "model"u8)) model = json.GetString();
            else if (Is(ref json, "inputTokens"u8)) input = json.GetInt64();
            else if (Is(ref json, "outputTokens"u8)) output = json.GetInt64();
            else if (Is(ref json, "tokenMoney"u8)) money = json.GetInt64();
            else json.Skip();
        }

        return payer is null || model is null ? throw new JsonException() : new LimitTerms(payer, model, input, output, money);
    }

    public override void Write(Utf8JsonWriter json, LimitTerms value, JsonSerializerOptions options) =>
        throw new NotSupportedException(); // GenerationMetadata writes itself
}
