using Penstock.AspNetCore;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddPenstock(builder.Configuration);

var app = builder.Build();
app.MapGet("/", () => "An app of my own. Ask its models at /v1/chat/completions.");
app.MapPenstock();
app.Run();
