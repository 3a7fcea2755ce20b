using System.Runtime.InteropServices;

namespace Diffusion;

/// <summary>
/// The one place where the library differentiates with respect to a state. An error inside TorchSharp's autograd.grad ends the process (a graph used twice, an
/// operation without a second derivative, …); TorchScript's own is the same function with an error that can be caught.
/// </summary>
internal static class Differentiation
{
    // Constant, and ending with an empty line: a semantic error in a script ends the process.
    private const string Script = """
        def vjp(value: Tensor, x: Tensor, weight: Tensor, keep: bool, create: bool) -> Tensor:
            weights: List[Optional[Tensor]] = [weight]
            gradient = torch.autograd.grad([value], [x], weights, keep, create, True)[0]
            if gradient is None:
                return torch.empty([0])
            return gradient

        """;

    private static readonly Lazy<jit.CompilationUnit?> Compiled = new(Compile);

    /// <summary>Σ_i weight_i·∂value_i/∂x: the transposed Jacobian times a weight, with respect to x alone. Nothing else's gradient is touched.</summary>
    /// <param name="value">What is differentiated; made of x while gradients were enabled.</param>
    /// <param name="x">What requires a gradient.</param>
    /// <param name="weight">Of the shape of <paramref name="value"/>.</param>
    /// <param name="keepGraph">Whether <paramref name="value"/> will be differentiated again.</param>
    /// <param name="differentiable">Whether the result shall be differentiable in turn; keeps the graph.</param>
    /// <returns>Fresh, of the shape of x.</returns>
    /// <exception cref="InvalidOperationException">The value does not depend on x in a way that can be followed, or an operation has no derivative.</exception>
    public static Tensor Vjp(Tensor value, Tensor x, Tensor weight, bool keepGraph = false, bool differentiable = false)
    {
        if (!value.requires_grad) throw Independent();
        var keep = keepGraph || differentiable;
        Tensor gradient;
        if (Compiled.Value is { } unit)
        {
            try
            {
                gradient = unit.invoke<Tensor>("vjp", value, x, weight, keep, differentiable);
            }
            catch (ExternalException error)
            {
                throw new InvalidOperationException($"A derivative with respect to the state cannot be computed: {Reason(error.Message)}", error);
            }

            if (gradient.numel() == 0 && x.numel() > 0) throw Independent();
            return gradient;
        }

        gradient = autograd.grad([value], [x], [weight], keep, differentiable, allow_unused: true)[0];
        return gradient.IsInvalid ? throw Independent() : gradient;
    }

    /// <summary>The gradient of the sum of a value.</summary>
    /// <inheritdoc cref="Vjp" path="/param|/returns|/exception"/>
    public static Tensor Gradient(Tensor value, Tensor x, bool keepGraph = false, bool differentiable = false)
    {
        using var ones = ones_like(value);
        return Vjp(value, x, ones, keepGraph, differentiable);
    }

    /// <summary>The gradient of the sum of a function at a point, whatever mode gradients are in. Differentiable in turn where they are enabled and the point requires one.</summary>
    /// <param name="function">Borrows its argument.</param>
    /// <param name="x">The point; borrowed.</param>
    /// <returns>Fresh, of the shape of x.</returns>
    /// <exception cref="InvalidOperationException">The value does not depend on x in a way that can be followed.</exception>
    public static Tensor GradientAt(Func<Tensor, Tensor> function, Tensor x)
    {
        var differentiable = is_grad_enabled();
        using var gradients = enable_grad();
        using var scope = NewDisposeScope();
        var leaf = differentiable && x.requires_grad ? x : x.detach().requires_grad_();
        return Gradient(function(leaf), leaf, differentiable: differentiable).MoveToOuterDisposeScope();
    }

    private static InvalidOperationException Independent() => new(
        "What is to be differentiated does not depend on the state, or the dependence is lost: a denoiser, network or density must not detach its argument or "
        + "switch gradients off.");

    // The message's own line, without the script and the native stack.
    private static string Reason(string message)
    {
        const string mark = "RuntimeError: ";
        var at = message.LastIndexOf(mark, StringComparison.Ordinal);
        var rest = at < 0 ? message : message[(at + mark.Length)..];
        var end = rest.IndexOf('\n', StringComparison.Ordinal);
        return end < 0 ? rest : rest[..end];
    }

    // The derivative of x³ at 2, and its derivative: the script and this libtorch must agree on what the arguments mean.
    private static jit.CompilationUnit? Compile()
    {
        try
        {
            using var gradients = enable_grad();
            using var scope = NewDisposeScope();
            var unit = jit.compile(Script);
            var x = full(1, 2.0).requires_grad_();
            var first = unit.invoke<Tensor>("vjp", x.pow(3), x, ones(1), true, true);
            var second = unit.invoke<Tensor>("vjp", first, x, ones(1), false, false);
            return first.item<float>() == 12 && second.item<float>() == 12 ? unit : null;
        }
        catch (Exception error) when (error is ExternalException or EntryPointNotFoundException or InvalidOperationException or ArgumentException or NotImplementedException)
        {
            return null; // another libtorch, or TorchScript left out of it
        }
    }
}
