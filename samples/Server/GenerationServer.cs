using Diffusion.Pipelines;
using Microsoft.AspNetCore.Mvc;
using TorchSharp;

namespace Server;

/// <summary>The web application: two addresses, one model, one queue.</summary>
internal static class GenerationServer
{
    private const int DefaultSteps = 25;

    public static WebApplication Build(DiffusionModel model, ServerSettings settings, string url, LogLevel log = LogLevel.Information)
    {
        if (model.Description.SampleShape is not [1 or 3, _, _])
            throw new ArgumentException($"The model draws [{string.Join(", ", model.Description.SampleShape)}]; pictures [1 or 3, height, width] are needed.", nameof(model));
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(url);
        builder.Logging.SetMinimumLevel(log);
        builder.Services.AddProblemDetails();
        builder.Services.AddSingleton(model); // borrowed: who made it disposes of it, after the server has stopped
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton<GenerationQueue>();
        builder.Services.AddHostedService(services => services.GetRequiredService<GenerationQueue>());

        var app = builder.Build();
        app.UseExceptionHandler(); // what goes wrong inside is a problem document without inner details, and is logged
        app.UseStatusCodePages(); // so is what cannot be read, such as count=many
        app.MapGet("/health", (GenerationQueue queue) => new
        {
            status = "ok",
            waiting = queue.Waiting,
            running = queue.Running,
            served = queue.Served,
            cancelled = queue.Cancelled,
            refused = queue.Refused,
            liveTensors = torch.Tensor.TotalCount,
            residentBytes = Environment.WorkingSet,
        });
        app.MapGet("/generate", GenerateAsync);
        return app;
    }

    private static async Task<IResult> GenerateAsync(
        [FromQuery(Name = "class")] string? name, int? count, int? steps, long? seed, HttpContext http, DiffusionModel model, ServerSettings settings, GenerationQueue queue)
    {
        if (count < 1 || count > settings.MaxCount) return Refuse($"count is {count}; a request is for 1 to {settings.MaxCount} pictures.");
        if (steps < 1 || steps > settings.MaxSteps) return Refuse($"steps is {steps}; a picture takes 1 to {settings.MaxSteps} steps.");
        var label = LabelOf(model, name);
        if (label is null && (name is not null || (model.Classes > 0 && model.Description.NullClass is null)))
            return Refuse(model.Classes == 0 ? "This model has no classes." : $"class is '{name}'; this model has {string.Join(", ", model.Description.ClassNames)}.");

        var what = new Generation(label, count ?? 1, steps ?? Math.Min(DefaultSteps, settings.MaxSteps), seed ?? Random.Shared.NextInt64());
        if (queue.TryEnqueue(what, http.RequestAborted) is not { } picture)
        {
            http.Response.Headers.RetryAfter = $"{queue.SecondsOfWork}";
            return Results.Problem("As many requests are waiting as may. Come back later.", statusCode: StatusCodes.Status429TooManyRequests);
        }

        var bytes = await picture.WaitAsync(http.RequestAborted); // a client that is gone need not wait for its turn
        http.Response.Headers["X-Seed"] = $"{what.Seed}"; // draws the same picture again
        return Results.Bytes(bytes, "image/png");
    }

    private static IResult Refuse(string detail) => Results.Problem(detail, statusCode: StatusCodes.Status400BadRequest);

    private static long? LabelOf(DiffusionModel model, string? name)
    {
        for (var k = 0; k < model.Classes; k++)
            if (model.Description.ClassNames[k].Equals(name, StringComparison.OrdinalIgnoreCase) || name == $"{k}") return k;
        return null;
    }
}
